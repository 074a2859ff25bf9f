-- People: who they are at the forge, what they may do in a repo, and the tokens of their programs.

CREATE TABLE users (
    id         uuid PRIMARY KEY,
    -- The forge's number of the account decides who it is (S4); its name may become another's.
    forge_id   bigint NOT NULL UNIQUE,
    login      text NOT NULL,
    admin      boolean NOT NULL DEFAULT false,          -- of the whole installation
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_by_login ON users (lower(login));

-- What the forge lets somebody do, also in repositories that are no repos here yet.
CREATE TABLE forge_rights (
    user_id   uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    forge_id  bigint NOT NULL,                          -- of the repository
    full_name text NOT NULL,                            -- as it was called when the forge was asked
    private   boolean NOT NULL,
    role      text NOT NULL CHECK (role IN ('read', 'write', 'admin')),
    synced_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, forge_id)
);
CREATE INDEX forge_rights_by_repo ON forge_rights (forge_id);
CREATE INDEX forge_rights_by_age ON forge_rights (synced_at);

-- Given here, to somebody, in a repo: for those that no forge speaks for.
CREATE TABLE repo_grants (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    repo_id uuid NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    role    text NOT NULL CHECK (role IN ('read', 'write', 'admin')),
    PRIMARY KEY (user_id, repo_id)
);
CREATE INDEX repo_grants_by_repo ON repo_grants (repo_id);

-- None: the operator's.
ALTER TABLE sessions ADD COLUMN user_id uuid REFERENCES users (id) ON DELETE CASCADE;
CREATE INDEX sessions_by_user ON sessions (user_id);

-- Between "log in with GitHub" and GitHub's answer; bound to the browser by the state's cookie.
CREATE TABLE login_states (
    state_hash bytea PRIMARY KEY,                       -- SHA-256
    verifier   text NOT NULL,                           -- of PKCE (RFC 7636); worthless without the state
    next       text NOT NULL,                           -- where to go then: a path of this server
    expires_at timestamptz NOT NULL
);

CREATE TABLE api_tokens (
    id           uuid PRIMARY KEY,
    token_hash   bytea NOT NULL UNIQUE,                 -- SHA-256
    user_id      uuid REFERENCES users (id) ON DELETE CASCADE, -- none: the operator's
    name         text NOT NULL,
    most         text NOT NULL CHECK (most IN ('read', 'write', 'admin')),
    repo_id      uuid REFERENCES repos (id) ON DELETE CASCADE, -- none: wherever the person may
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at   timestamptz
);
CREATE INDEX api_tokens_by_user ON api_tokens (user_id);
CREATE INDEX audit_by_target ON audit (target, id DESC);
