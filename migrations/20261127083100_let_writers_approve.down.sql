ALTER TABLE environments DROP COLUMN writers_approve;
