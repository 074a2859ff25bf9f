-- What the explainer finds, and what was applied: for the page, and for rollbacks.
ALTER TABLE deployments
    ADD COLUMN findings          jsonb NOT NULL DEFAULT '[]',  -- [wire::Finding], root cause first
    ADD COLUMN rendered          text,                         -- what was applied, complete
    ADD COLUMN previous_rendered text;                         -- that of what was live before
