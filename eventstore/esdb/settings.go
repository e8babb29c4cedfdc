package esdb

import (
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// parse reads a connection string. What it sets holds for the client and for the
// connections of this package's own alike; what cannot is refused. No error has the
// user's password: the client's own may have the whole string.
func parse(connection string) (*client.Configuration, error) {
	malformed := errors.New("the connection string is malformed: want esdb://USER:PASSWORD@HOST:PORT, or esdb+discover://... for a cluster")
	where, query, _ := strings.Cut(connection, "?")
	given, err := url.ParseQuery(query)
	if err != nil || strings.Contains(query, "@") && !strings.Contains(where, "@") { // a password may have been cut
		return nil, malformed
	}
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		setting := strings.ToLower(name)
		if len(given[name]) > 1 || seen[setting] {
			return nil, fmt.Errorf("the connection string has the setting %s more than once: leave one", name)
		}
		seen[setting] = true
		if wrong := amiss(setting, given[name][0]); wrong != "" {
			return nil, fmt.Errorf("the connection string's setting %s %s", name, wrong)
		}
	}
	config, err := client.ParseConnectionString(connection)
	if err != nil {
		return nil, malformed
	}
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("the connection string's settings do not fit: %w", err)
	}
	if _, err := transportOf(config); err != nil {
		return nil, err
	}
	return config, nil
}

// amiss says what is wrong with a setting, which is named in lower case; "" where it
// can be kept to.
func amiss(setting, value string) string {
	number, err := strconv.Atoi(value)
	switch setting {
	case "tls", "tlsverifycert":
		if _, err := strconv.ParseBool(strings.ToLower(value)); err != nil {
			return "must be true or false"
		}
	case "tlscafile":
		pem, err := os.ReadFile(value)
		if err == nil && !x509.NewCertPool().AppendCertsFromPEM(pem) {
			err = fmt.Errorf("there is none in %s", value)
		}
		if err != nil {
			return fmt.Sprintf("must name a file of certificates, PEM: %v", err)
		}
	case "usercertfile", "userkeyfile": // both are read, and told, together
	case "keepaliveinterval":
		if err != nil || number < -1 {
			return "must be milliseconds, or -1 for no pings"
		}
	case "keepalivetimeout", "defaultdeadline", "discoveryinterval":
		if err != nil || number < 1 {
			return "must be milliseconds, 1 at least"
		}
	case "gossiptimeout":
		if err != nil || number < 1 {
			return "must be seconds, 1 at least"
		}
	case "nodepreference":
		if !strings.EqualFold(value, string(client.NodePreferenceLeader)) {
			return "must be leader, or be left out: who was answered has to read what was recorded, and another node may not have it yet"
		}
	case "maxdiscoverattempts":
		return "must be left out: a cluster is looked for until it is found"
	default:
		return "is none that the EventStoreDB client for Go has: leave it out"
	}
	return ""
}
