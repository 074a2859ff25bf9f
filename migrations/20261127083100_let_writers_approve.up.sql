-- Who may agree to a deployment: the repo's admins, or everybody who may write.
ALTER TABLE environments ADD COLUMN writers_approve boolean NOT NULL DEFAULT false;
