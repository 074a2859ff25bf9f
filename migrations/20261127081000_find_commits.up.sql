-- Which secrets did this commit see (S9)? A pull request runs its merge commit, and people name
-- the head that they pushed: both are found.
CREATE INDEX runs_by_commit ON runs (repo_id, commit_sha);
CREATE INDEX runs_by_head ON runs (repo_id, (trigger #>> '{event,head}'))
    WHERE trigger #>> '{event,head}' IS NOT NULL;
