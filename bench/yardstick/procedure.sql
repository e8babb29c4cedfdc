-- What a user would build instead of a ledger: a balance in a row, a lock on
-- that row, and an outbox, in one stored procedure.
--
-- Left out in PostgreSQL's favour: indexes for lists of benefits and activity,
-- several grants per contract and the order they are spent in, sealed personal
-- texts, business hours, incident numbers that tell nothing.

DROP TABLE IF EXISTS outbox, incidents, links, contracts;

CREATE TABLE contracts (
	id        uuid PRIMARY KEY,
	status    text NOT NULL,
	ends_at   timestamptz NOT NULL,
	available bigint NOT NULL CHECK (available >= 0),
	revision  bigint NOT NULL
) WITH (fillfactor = 50); -- room for updates in place

CREATE TABLE links (
	contract uuid NOT NULL,
	account  text NOT NULL,
	PRIMARY KEY (contract, account)
);

CREATE TABLE incidents (
	number      bigint GENERATED ALWAYS AS IDENTITY (CACHE 32) PRIMARY KEY,
	account     text NOT NULL,
	key         text NOT NULL,
	fingerprint bytea NOT NULL,
	contract    uuid NOT NULL,
	status      text NOT NULL,
	severity    text NOT NULL,
	request     json NOT NULL,
	opened_at   timestamptz NOT NULL,
	due_at      timestamptz NOT NULL,
	remaining   bigint NOT NULL,
	UNIQUE (account, key)
);

CREATE TABLE outbox (
	position    bigint GENERATED ALWAYS AS IDENTITY (CACHE 32) PRIMARY KEY,
	contract    uuid NOT NULL,
	revision    bigint NOT NULL,
	type        text NOT NULL,
	recorded_at timestamptz NOT NULL,
	account     text NOT NULL,
	data        json NOT NULL
);

-- submit answers a repeat as the first time; refusal is null where an incident
-- was recorded, now or then.
CREATE OR REPLACE FUNCTION submit(
	p_account text, p_key text, p_fingerprint bytea, p_contract uuid, p_severity text, p_request json,
	OUT number bigint, OUT opened_at timestamptz, OUT due_at timestamptz, OUT remaining bigint, OUT refusal text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	c     record;
	first record;
BEGIN
	SELECT contracts.status, contracts.ends_at, contracts.available, contracts.revision INTO c
	  FROM contracts JOIN links ON links.contract = contracts.id AND links.account = p_account
	 WHERE contracts.id = p_contract
	   FOR UPDATE OF contracts;
	opened_at := clock_timestamp();
	refusal := CASE
		WHEN NOT FOUND THEN 'not-found'
		WHEN c.status <> 'active' THEN c.status
		WHEN opened_at >= c.ends_at THEN 'expired'
		WHEN c.available < 1 THEN 'none-available'
	END;

	IF refusal IS NULL THEN
		remaining := c.available - 1;
		due_at := opened_at + CASE p_severity
			WHEN 'A' THEN interval '2 hours' WHEN 'B' THEN interval '4 hours' ELSE interval '8 hours' END;
		INSERT INTO incidents (account, key, fingerprint, contract, status, severity, request, opened_at, due_at, remaining)
		VALUES (p_account, p_key, p_fingerprint, p_contract, 'open', p_severity, p_request, opened_at, due_at, remaining)
		ON CONFLICT (account, key) DO NOTHING
		RETURNING incidents.number INTO number;
		IF FOUND THEN
			UPDATE contracts SET available = remaining, revision = c.revision + 2 WHERE id = p_contract;
			INSERT INTO outbox (contract, revision, type, recorded_at, account, data) VALUES
				(p_contract, c.revision + 1, 'incident.submitted.v1', opened_at, p_account, json_build_object(
					'number', number, 'due_at', due_at, 'request', p_request)),
				(p_contract, c.revision + 2, 'incident.deducted.v1', opened_at, p_account, json_build_object(
					'number', number, 'unit', 'incident', 'quantity', 1, 'available', remaining));
			RETURN;
		END IF;
	END IF;

	SELECT i.number, i.opened_at, i.due_at, i.remaining, i.fingerprint INTO first
	  FROM incidents i WHERE i.account = p_account AND i.key = p_key;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	IF first.fingerprint <> p_fingerprint THEN
		refusal := 'idempotency-key-reused';
		RETURN;
	END IF;
	number := first.number;
	opened_at := first.opened_at;
	due_at := first.due_at;
	remaining := first.remaining;
	refusal := NULL;
END $$;
