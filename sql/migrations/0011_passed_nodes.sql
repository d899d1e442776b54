-- Executions move from one version to another; what they passed is marked, and nobody is sent it again.

COMMENT ON COLUMN contexts.visits IS 'For nodes on a cycle: id to visits so far, id@ to as_of of the run that left it last; id!: an action passed on another version';
COMMENT ON COLUMN executions.visits IS 'For nodes on a cycle: id to visits so far, id@ to as_of of the run that left it last; id!: an action passed on another version';
COMMENT ON COLUMN executions.outcome IS 'Id of an end node, exit_rule, goal, cancelled or migrated';
COMMENT ON COLUMN ended.outcome IS 'Id of an end node, exit_rule, goal, cancelled or migrated';
COMMENT ON COLUMN transitions.branch IS 'The way out that was taken; null where there is one; migrated: to another version';
