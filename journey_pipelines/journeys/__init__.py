"""Journey documents: models, checks, versions, durations. No database, no HTTP, no provider library.

Belongs here: what a journey is and whether it is right. Does not belong here: what happens to customers (`engine`).

The way of a document: `document` reads it as plain JSON values (`yaml_text`, `plain`), `draft` into its models
(`models`, `configs`), `checks` looks at it from all sides (`graph_checks`, `rule_checks`, `action_checks`), and
`journey` compiles what is right (`compilation`, `nodes`).
"""
