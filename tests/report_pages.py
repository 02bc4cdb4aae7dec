"""Runs whose hardware is the golden model's recording, and what a report page says, read from its HTML."""

import base64
import gzip
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np

from spikegate.cosim.engines.hardware import Rtl
from spikegate.cosim.engines.point_rtl import PointRtl
from spikegate.cosim.isolation.worker import Result
from spikegate.cosim.results import report
from spikegate.cosim.results.page import page
from spikegate.models.core.golden import Golden
from spikegate.models.core.point_golden import PointGolden
from spikegate.models.network.network import Network


def run_of(network, *, trace=True, link=False):
    """A run of hardware that is the golden model's recording, and of the golden model."""
    plain = isinstance(network, Network)
    hardware, golden = (Rtl(4), Golden()) if plain else (PointRtl(2), PointGolden())
    recording = golden.run(network, trace=trace)
    more = {"lanes": hardware.lanes, **({"port": "/dev/x", "baud": 9} if link else {})}
    rtl = replace(recording, engine="rtl", provenance={**recording.provenance, **more})
    rtl = replace(rtl, cycles=hardware.predicted_cycles(network, rtl))
    return report.Run(network, [hardware, golden], {"rtl": Result(rtl, 1.0, 2.0), "golden": Result(recording, 3.0, 4.0)},
                      {name: "gone" for name in ("brian2_float", "brian2_realised", "brian2_ordered")}, trace)


class Page(HTMLParser):
    """The tables by their id, the places that tags refer to, all text, and the plots' documents.

    A table is a list of rows of cells; ``looks`` has the classes of each cell.
    """

    def __init__(self, text):
        super().__init__()
        self.text, self.tables, self.looks, self.addresses, self.words, self.open, self.ids = text, {}, {}, [], [], [], []
        self.feed(text)
        assert not self.open, f"tags are left open: {self.open}"
        found = re.search(r"const docs_json = '(.*)';\n", text)[1].replace("\\\\", "\\")
        self.document, = json.loads(found).values()

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        self.addresses += [known[name] for name in ("src", "href", "action", "data", "srcset", "poster") if name in known]
        self.ids += [known["id"]] if "id" in known else []
        if tag not in ("meta", "link", "br", "img"):
            self.open.append(tag)
        if tag == "table":
            self.name = known.get("id", known.get("class"))
            self.tables[self.name], self.looks[self.name] = [], []
        elif tag == "tr":
            self.tables[self.name].append([])
            self.looks[self.name].append([])
        elif tag in ("td", "th"):
            self.tables[self.name][-1].append("")
            self.looks[self.name][-1].append(known.get("class", ""))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)
            if {"td", "th"} & {*self.open}:
                self.tables[self.name][-1][-1] += data

    @property
    def said(self):
        """All text, in one line."""
        return " ".join(" ".join(self.words).split())

    def sources(self):
        """The columns of every plot, root by root: a list of dicts of arrays each."""
        return [[{name: array(values) for name, values in entries(source["attributes"]["data"]).items()}
                 for source in nodes(root, "ColumnDataSource")] for root in self.document["roots"]]


def nodes(tree, name):
    """Every model of a name below a document's node."""
    if isinstance(tree, dict):
        if tree.get("name") == name and "attributes" in tree and "data" in tree["attributes"]:
            yield tree
        for value in tree.values():
            yield from nodes(value, name)
    elif isinstance(tree, list):
        for value in tree:
            yield from nodes(value, name)


def entries(data):
    return dict(data["entries"]) if isinstance(data, dict) and data.get("type") == "map" else data


def array(values):
    """An array as Bokeh keeps it."""
    if isinstance(values, dict):
        return np.frombuffer(gzip.decompress(base64.b64decode(values["array"]["data"])), values["dtype"]).reshape(values["shape"])
    return np.asarray(values)


def page_of(run, **said):
    """Checks, report, and the page."""
    checks = report.judge(run)
    whole = report.build(run, checks, **said)
    return checks, whole, Page(page(run, checks, whole))
