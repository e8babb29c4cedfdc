// Reads a ledger's log with the official EventStoreDB client, and follows it over
// restarts of the ledger. The same as ../reader.go, line by line of what it says.
//
//   READER_CONNECTION='esdb://anna:PASSWORD@ledger.example.com:2113' node reader.mjs STREAM
import { BACKWARDS, END, EventStoreDBClient, eventTypeFilter, jsonEvent, START } from "@eventstore/db-client";
import { setTimeout as rest } from "node:timers/promises";

const connection = process.env.READER_CONNECTION;
const stream = process.argv[2];
let client = EventStoreDBClient.connectionString(connection);

// One stream, from its first event on.
for await (const { event } of client.readStream(stream)) {
  console.log(`stream ${event.revision} ${event.type}`);
}

// The newest events, page by page, each page beginning where the one before ended.
let from = END;
for (let page = 0; page < 3; page++) {
  for await (const { event } of client.readAll({ direction: BACKWARDS, fromPosition: from, maxCount: 4 })) {
    console.log(`backwards ${event.position.commit} ${event.type}`);
    from = event.position;
  }
}

// Nobody but the ledger writes.
try {
  await client.appendToStream(stream, jsonEvent({ type: "order.placed", data: {} }));
  console.log("append accepted");
} catch (error) {
  console.log(`append refused ${error.type}`);
}

// Everything about incidents, from the first event on, and on from there after
// every interruption.
let position = START;
const filter = eventTypeFilter({ prefixes: ["incident."] });
for (;;) {
  try {
    for await (const { event } of client.subscribeToAll({ fromPosition: position, filter })) {
      console.log(`event ${event.position.commit} ${event.type} ${JSON.stringify(event.data)} ${JSON.stringify(event.metadata)}`);
      position = event.position;
    }
  } catch (error) {
    console.error(`again: ${error.message}`);
  }
  await rest(200);
  await client.dispose().catch(() => {});
  client = EventStoreDBClient.connectionString(connection);
}
