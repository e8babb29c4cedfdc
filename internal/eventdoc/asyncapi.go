package eventdoc

import (
	"encoding/json"
	"fmt"

	"github.com/supportledger/supportledger/notifications"
)

const aboutFeed = "Everything that a supportledger records about contracts, in the order of the log, at least once, and exactly once by id. " +
	"Messages lie in the JetStream stream " + notifications.Stream + " and are CloudEvents 1.0 in NATS binary mode: attributes in headers, the event as data. " +
	"A subscriber pulls them by a durable consumer that has the subscriber's own name, or by ordered ones. docs/subscribing.md tells how."

// AsyncAPI is docs/asyncapi.json: the feed as AsyncAPI 3.0 describes it.
func AsyncAPI(entries []Entry) ([]byte, error) {
	document := object{
		{"asyncapi", "3.0.0"},
		{"info", object{{"title", "supportledger feed"}, {"version", "1.0.0"}, {"description", aboutFeed}}},
		{"defaultContentType", "application/json"},
		{"servers", object{{"nats", object{
			{"host", "127.0.0.1:4222"}, {"protocol", "nats"},
			{"description", "The ledger's own NATS server (serve --nats-listen), or a cluster that it publishes to (serve --nats-url)."},
			{"security", []any{ref("#/components/securitySchemes/password")}},
		}}}},
		{"channels", channels(entries)},
		{"operations", operations(entries)},
		{"components", object{
			{"messages", messages(entries)},
			{"schemas", object{{"headers", headers()}}},
			{"parameters", object{{"stream", object{
				{"description", "The UUID of what it happened to: a contract, an incident that no contract pays for, a partner. Also in " + notifications.HeaderSubject + "."},
			}}}},
			{"securitySchemes", object{{"password", object{
				{"type", "userPassword"}, {"description", "Made by supportledger subscribers add."},
			}}}},
		}},
	}
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write asyncapi: %w", err)
	}
	return append(text, '\n'), nil
}

func ref(to string) object { return object{{"$ref", to}} }

// channelOf is the channel of a type; all versions of a type share one.
func channelOf(e *Entry) string { return e.Noun() + "." + e.Verb() }

func channels(entries []Entry) (all object) {
	for i := range entries {
		e := &entries[i]
		message := member{e.Name, ref("#/components/messages/" + e.Name)}
		if known, ok := all.get(channelOf(e)).(object); ok {
			versions, _ := known.get("messages").(object)
			all = all.with(channelOf(e), known.with("messages", append(versions, message)))
			continue
		}
		all = append(all, member{channelOf(e), object{
			{"address", "ledger.events." + channelOf(e) + ".{stream}"},
			{"messages", object{message}},
			{"parameters", object{{"stream", ref("#/components/parameters/stream")}}},
		}})
	}
	return all
}

func operations(entries []Entry) (all object) {
	for i := range entries {
		channel := channelOf(&entries[i])
		all = all.with("publish."+channel, object{{"action", "send"}, {"channel", ref("#/channels/" + channel)}})
	}
	return all
}

func messages(entries []Entry) (all object) {
	for i := range entries {
		e := &entries[i]
		all = append(all, member{e.Name, object{
			{"name", e.Name}, {"title", e.Name}, {"summary", e.Meaning}, {"contentType", "application/json"},
			{"headers", ref("#/components/schemas/headers")},
			{"payload", object{
				{"schemaFormat", "application/schema+json;version=2020-12"},
				{"schema", ref("schemas/" + e.Name + ".json")},
			}},
		}})
	}
	return all
}

// headers describes what stands in the headers of every message.
func headers() object {
	uuid, count := object{{"type", "string"}, {"format", "uuid"}}, object{{"type", "string"}, {"pattern", "^[0-9]+$"}}
	text := object{{"type", "string"}}
	properties := object{
		{"Nats-Msg-Id", uuid.with("description", "The event's id again.")},
		{"ce-specversion", object{{"const", "1.0"}}},
		{"ce-datacontenttype", object{{"const", "application/json"}}},
		{notifications.HeaderID, uuid.with("description", "The event's id: what was taken once need not be taken again.")},
		{notifications.HeaderType, text.with("description", "Such as incident.submitted.v1.")},
		{notifications.HeaderSource, text.with("pattern", "^urn:uuid:[0-9a-f-]{36}$").with("description", "The installation.")},
		{notifications.HeaderSubject, uuid.with("description", "The stream: what it happened to.")},
		{notifications.HeaderTime, text.with("format", "date-time").with("description", "When it was recorded. It never runs backwards.")},
		{notifications.HeaderPosition, count.with("description", "Its place in the log. It grows, with gaps.")},
		{notifications.HeaderRevision, count.with("description", "Its place in its stream: 0, 1, 2 and so on, without gaps.")},
		{notifications.HeaderOrdinal, count.with("description", "Its place among all messages: 1, 2, 3 and so on, without gaps.")},
		{notifications.HeaderRole, text.with("description", "Under which it was caused; system where time had passed.")},
		{notifications.HeaderAccount, uuid.with("description", "Whose act it was; left out where nobody's.")},
		{notifications.HeaderPortal, text.with("description", "Which it came through; left out where none.")},
		{notifications.HeaderTrace, text.with("description", "W3C trace context; left out where there is none.")},
		{"Content-Type", object{{"const", "application/json"}}},
	}
	optional := map[string]bool{notifications.HeaderAccount: true, notifications.HeaderPortal: true, notifications.HeaderTrace: true}
	required := []string{}
	for _, p := range properties {
		if !optional[p.name] {
			required = append(required, p.name)
		}
	}
	return object{{"type", "object"}, {"properties", properties}, {"required", required}}
}
