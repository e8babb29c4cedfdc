package mail

// An upcast reads an event under a retired name as what took its place.
type upcast func(data []byte) (Event, error)

// upcasts reads events under retired names: "noun.verb.v1" once "noun.verb.v2"
// has taken its place. A retired name is never removed.
var upcasts = map[string]upcast{}
