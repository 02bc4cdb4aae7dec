"""The golden model of the whole core, with weights and with bitstreams."""
