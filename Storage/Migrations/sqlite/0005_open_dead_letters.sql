-- Open letters are counted again and again, and there are few of them.
CREATE INDEX dead_letters_open ON dead_letters (account_id) WHERE state = 'open';
