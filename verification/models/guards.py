"""Which tests judge the mutants of a file."""

from verification.models.child import ROOT

__all__ = ["GUARDS"]

#: Folders whose files are judged, and where the tests of their names are.
FOLDERS = {"models": "", "translator": "translator", "cosim/results": "cosim", "cosim/engines": "cosim", "cosim/isolation": "cosim",
           "src/spikegate": "face"}


def own_tests() -> dict[str, tuple[str, ...]]:
    """File -> the test of its name, of a model in the folder of its name, if there is one."""
    found = {}
    for folder, tests in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT / folder).with_suffix("")
            test = "/".join(filter(None, (tests, name.with_name(f"test_{name.name}").as_posix())))
            if (ROOT / "tests" / f"{test}.py").is_file():
                found[f"{folder}/{name.as_posix()}"] = (test,)
    return found


#: The tests that judge a file; of a model, most of them against something that is independent of it: hand-made numbers, the gateware, a stranger's
#: engine.
GUARDS: dict[str, tuple[str, ...]] = {
    **own_tests(),
    "models/cache": ("test_surroundings",), "models/hints": ("test_doctor",),
    "models/surroundings": ("cosim/test_toolchain",), "models/network/engine": ("cosim/test_engines",),
    "models/network/provenance": ("network/test_network", "cosim/test_report"), "models/core/golden": ("cosim/test_engines",),
    **{f"models/core/{name}": ("core/test_core_model", "core/test_hybrid", "core/test_stream_model") for name in (
        "cycles", "drives", "neurons", "part", "rows_bitmap", "rows_store", "rows_streams")},
    **{f"models/core/{name}": ("core/test_core_overlap",) for name in ("overlap", "schedules")},
    "models/numeric/drive": ("numeric/test_drive", "numeric/test_drive_gateware"),
    "models/streams/planes": ("streams/test_planes", "streams/test_encoder", "streams/test_synapse"),
    "models/network/rows": ("network/test_core_delivery",),
    "models/streams/params": ("streams/test_streams",),
    "models/core/windows": ("core/test_hybrid_streams",),
    "models/streams/faults": ("streams/test_faults", "streams/test_faults_gateware"),
    "models/network/file": ("network/test_network_file",),
    "models/link/board": ("cosim/test_board", "cosim/test_board_cores", "cosim/test_pll"),
    **{f"models/network/{name}": ("network/test_point_network", "test_point_reader") for name in (
        "point", "point_file", "point_population", "projection", "synapses", "container")},
    **{f"models/core/{name}": ("core/test_point_core", "core/test_rows_csr") for name in ("point_image", "point_loads", "point_size", "words")},
    **{f"models/core/{name}": ("core/test_rows_generated", "core/test_rows_csr") for name in ("point_rows", "point_choice", "rows_external")},
    "models/network/connection": ("network/test_builder", "network/test_generated"),
    "models/core/point_golden": ("face/test_point_sim",), "models/network/raw": ("network/test_builder",),
    "models/network/recording_file": ("network/test_recording",), "models/network/recording_nwb": ("network/test_exports",),
    **{f"models/network/{name}": ("face/test_point_sim", "cosim/test_report") for name in ("base", "described", "load", "point_described")},
    "models/core/point_engine": ("network/test_point_network", "test_point_page", "test_independent_points"),
    "models/core/point_units": ("network/test_point_network",),
    **{f"models/core/{name}": ("core/test_point_compiled",) for name in ("point_compiled", "point_plan")},
    **{f"models/network/{name}": ("network/test_stored",) for name in ("drawn", "stored")}, "models/compiled": ("core/test_point_compiled",),
    "models/neuron/linear": ("neuron/test_linear_model", "test_point_page", "test_independent_points"),
    "models/neuron/membrane": ("neuron/test_linear_model", "neuron/test_linear_refractory", "test_independent_points"),
    "models/neuron/linear_steps": ("neuron/test_linear_model",),
    "models/neuron/bernoulli": ("test_point_page",), "models/prefetch": ("network/test_point_network",),
    "models/link/frames": ("link/test_host_link",),
    "models/link/payloads": ("link/test_host_link", "link/test_steps_ahead"),
    "models/network/population": ("cosim/test_report",),
    "models/network/network": ("network/test_network", "network/test_network_file",),
    "models/network/recording": ("test_checks",),
    "models/errors": ("test_checks",),
    "models/streams/plan": ("streams/test_plan", "streams/test_plan_model"),
    "models/streams/correlation": ("streams/test_correlation", "streams/test_plan_model"),
    "models/link/point": ("link/test_point_link",),
    "models/link/point_device": ("link/test_point_link", "face/test_point_board"),
    "models/link/point_fit": ("link/test_point_fit",),
    **{f"models/link/{name}": ("link/test_host_link_device", "link/test_host_link_decoder", "link/test_host_link", "link/test_counts") for name in (
        "device", "decoder")},
    "models/core/engine": ("core/test_core_model", "network/test_core_delivery", "test_independent",),
    "models/core/stream_engine": ("core/test_hybrid", "core/test_stream_model", "test_independent",),
    "translator/stateful": ("translator/test_homeostatic", "translator/test_izhikevich", "translator/test_stdp"),
    "translator/stateful_brian": ("translator/test_homeostatic", "translator/test_izhikevich"),
    "translator/stdp_kernels": ("translator/test_known_values", "translator/test_stdp"),
    "translator/reservoir_tasks": ("translator/test_known_values", "translator/test_reservoir"),
    **{f"translator/{name}": ("translator/test_sc_layer", "translator/test_memristive") for name in ("sc_layer", "sc_weights", "sc_theory")},
    "translator/hybrid": ("core/test_hybrid", "core/test_stream_model", "core/test_hybrid_streams"),
    "translator/translations": ("translator/test_translations", "translator/test_custom"),
    **{f"translator/{name}": ("translator/test_params", "translator/test_translations") for name in ("params", "raw", "brunel")},
    **{f"translator/voltage{more}": ("translator/test_known_values", "translator/test_voltage", "translator/test_voltage_neuron")
       for more in ("", "_neuron", "_kernels")},
    **{f"translator/{name}": ("translator/test_known_values", f"translator/test_{name}") for name in (
        "homeostatic", "izhikevich", "memristive", "probability", "reservoir", "stdp")},
    "translator/voltage_brian": ("translator/test_voltage", "translator/test_voltage_neuron", "translator/test_stdp"),
    "translator/brian_parts": ("translator/test_brian_engines", "translator/test_point_user"),
    **{f"translator/point_{name}": ("translator/test_point_brian", "translator/test_point_brian_izhikevich") for name in (
        "draws", "izhikevich", "parts")},
    **{f"translator/importer/{path.stem}": tuple(f"translator/importer/test_{name}" for name in ("device", "adapting", "refusals"))
       for path in sorted((ROOT / "translator" / "importer").glob("[a-z]*.py"))},
    **{f"translator/nir/{path.stem}": tuple(f"translator/nir/test_{name}" for name in ("nodes", "refusals", "export"))
       for path in sorted((ROOT / "translator" / "nir").glob("[a-z]*.py"))},
    "src/spikegate/graphs": ("face/test_nir_command",),
    **{f"translator/importer/{name}": ("translator/importer/test_hosted", "translator/importer/test_by_time") for name in ("hosted", "signals")},
    **{f"translator/importer/{name}": (f"translator/importer/test_{name}", "translator/importer/test_refusals") for name in ("chained", "foreseen")},
    "translator/importer/sources": ("translator/importer/test_hosted", "translator/importer/test_refusals"),
    **{f"translator/importer/{name}": ("translator/importer/test_realised",) for name in ("realised", "rounding")},
    **{f"src/spikegate/{name}": ("face/test_script_beside",) for name in ("beside", "beside_judge", "beside_run")},
    "src/spikegate/brian2": ("face/test_brian2_options", "face/test_script_check", "translator/importer/test_device"),
    "src/spikegate/scripts": ("face/test_brian2_options", "face/test_script_check"),
    "translator/point_neurons": ("translator/test_point_brian",), "translator/cuba": ("translator/test_cuba", "translator/test_known_values"),
    "cosim/results/compare": ("cosim/test_compare", "cosim/test_compare_texts"), "cosim/results/report": ("cosim/test_report_values",),
    "cosim/engines/native": ("core/test_core", "core/test_point_core"), "cosim/engines/foreign": ("core/test_core",),
    "cosim/engines/point_rtl": ("cosim/test_hardware", "cosim/test_engine_builds", "core/test_point_core"),
    "cosim/engines/point_hardware": ("cosim/test_point_hardware", "core/test_point_engines"),
    "cosim/engines/words": ("cosim/test_hardware", "cosim/test_engine_builds", "core/test_core", "core/test_point_core"),
    **{f"cosim/toolchain/{name}": ("cosim/test_reroll",) for name in ("flat", "bundles", "outside", "lane_loop", "reroll")},
    "cosim/engines/rtl": ("cosim/test_hardware", "cosim/test_engine_builds", "core/test_core"),
    "cosim/engines/netlist": ("cosim/test_engine_builds", "cosim/test_netlist"),
    "cosim/engines/bitstream": ("cosim/test_engine_builds", "cosim/test_bitstream"),
    "cosim/results/notebook": ("network/test_exports",), "cosim/results/plots": ("cosim/test_page",),
    "cosim/results/divergence": ("cosim/test_page",),
    "cosim/engines/rtl_cocotb": ("core/test_core", "cosim/test_toolchain"), "cosim/engines/rtl_streams": ("core/test_hybrid",),
    "cosim/engines/virtual_board": ("face/test_host_line", "face/test_host"),
    "cosim/isolation/run": ("cosim/test_isolation", "cosim/test_isolation_ends"), "cosim/isolation/worker": ("cosim/test_isolation_worker",),
    "src/spikegate/__init__": ("test_face",), "src/spikegate/boards": ("face/test_boards", "face/test_board_commands", "face/test_board_in_use"),
    "src/spikegate/cli": ("face/test_main",), "src/spikegate/simulate": ("face/test_simulate", "face/test_simulate_progress"),
    "src/spikegate/networks": ("face/test_network_options", "face/test_networks_given"),
    "src/spikegate/doctor": ("face/test_doctor_words", "test_doctor"), "src/spikegate/streams": ("face/test_standard_streams",),
    "src/spikegate/sweep": ("face/test_sweep",), "src/spikegate/grid": ("face/test_sweep", "face/test_explore"),
    "src/spikegate/explore": ("face/test_explore",), "src/spikegate/explore_script": ("face/test_explore",),
    "src/spikegate/golden_run": ("face/test_network_run",), "src/spikegate/counting": ("face/test_counted",),
    "src/spikegate/host": ("face/test_host", "face/test_host_line"), "src/spikegate/host_line": ("face/test_host", "face/test_host_line"),
    **{f"translator/{name}": ("translator/test_known_values", *more) for name, more in (
        ("izhikevich_network", ()), ("microcircuit", ("network/test_stored",)))},
}
