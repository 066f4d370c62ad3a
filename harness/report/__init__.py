"""The report of a run: one HTML file that opens offline, and its short forms.

    results.json, cells/*  ->  evidence (reads artefacts)  ->  model (what is shown)  ->  templates  ->  index.html
                                                               ladder (geometry)          packing
    results.json           ->  junit, summary

Everything a peer said (SDP, labels, messages, names) passes through Jinja's autoescape exactly once. The file carries a
content security policy that admits its own style and its own script by hash and nothing else: what slipped through an
escape would still not run, and nothing can leave the file.
"""
