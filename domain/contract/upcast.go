package contract

// upcasts reads events under retired names: "noun.verb.v1" once "noun.verb.v2"
// has taken its place. A retired name is never removed.
var upcasts = map[string]func(data []byte) (Event, error){}
