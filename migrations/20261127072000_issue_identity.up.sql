-- What the tokens that say which deployment asks are signed with. The next key is published a day
-- before it signs, and each for a day after it signs no more: who checks may keep what was read.
CREATE TABLE signing_keys (
    id         uuid PRIMARY KEY,             -- the tokens' `kid`
    key_id     text NOT NULL,                -- the master key that it is sealed with
    sealed     bytea NOT NULL,               -- PKCS#8
    public     jsonb NOT NULL,               -- a JWK
    made_at    timestamptz NOT NULL DEFAULT now(),
    signs_from timestamptz NOT NULL
);
