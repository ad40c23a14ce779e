ALTER TABLE changes DROP COLUMN details;
