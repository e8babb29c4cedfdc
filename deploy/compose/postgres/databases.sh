#!/usr/bin/env bash
# Makes, at the first start of the database, what the ledger uses: the lists and the
# keys of people, each with a user who owns it and can do nothing else.
set -euo pipefail

make_database() {
  psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --username=postgres --set=name="$1" --set=password="$(cat "$2")" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name" ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}

make_database lists /run/secrets/lists_password
make_database people /run/secrets/people_password
