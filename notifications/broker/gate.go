package broker

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/crypto/bcrypt"
)

// A gate lets subscribers in to one server, each into an account of its own.
//
// Permissions on subjects alone do not hold: JetStream sends what a consumer
// delivers, and what a pull asks for, to any subject that the request names, with
// the rights of the account. A subscriber in the ledger's own account could have
// an event delivered to $JS.API.STREAM.PURGE. In an account of its own there is
// nothing but what is imported, and that is the subscriber's own consumers.
type gate struct {
	server *server.Server
	secret string // of this process
	log    *slog.Logger
	nobody []byte // a hash that takes the time of any other

	mu       sync.Mutex
	users    map[string]User
	unswept  map[string]bool // whose consumer may still read more than they may
	accounts map[string]*server.Account
	verified map[string][sha256.Size]byte // what a name proved before

	hashing sync.Mutex // one password at a time: proving it costs a core
}

func newGate(secret string, log *slog.Logger) (*gate, error) {
	nobody, err := bcrypt.GenerateFromPassword([]byte(secret), hashCost)
	if err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	return &gate{
		secret: secret, log: log, nobody: nobody, users: map[string]User{}, unswept: map[string]bool{},
		accounts: map[string]*server.Account{}, verified: map[string][sha256.Size]byte{},
	}, nil
}

// Subjects of JetStream's interface, each for one consumer, and those by which
// subscribers reach the ledger's account.
const (
	apiCreate = "$JS.API.CONSUMER.CREATE." + streamName
	apiInfo   = "$JS.API.CONSUMER.INFO." + streamName + "."
	apiDelete = "$JS.API.CONSUMER.DELETE." + streamName + "."
	apiNext   = "$JS.API.CONSUMER.MSG.NEXT." + streamName + "."
	apiStream = "$JS.API.STREAM.INFO." + streamName
	ack       = "$JS.ACK." + streamName + "."

	streamName = "LEDGER"
	doorPrefix = "ledger.door."  // wishes: the subscriber, what is wished, the consumer's name
	passPrefix = "ledger.place." // pulls: the subscriber, the number of the place
)

// open makes the ledger's account offer what subscribers need.
func (g *gate) open(s *server.Server) error {
	g.server = s
	own := s.GlobalAccount()
	for _, subject := range []string{doorPrefix + "*.>", ack + ">"} {
		if err := own.AddServiceExport(subject, nil); err != nil {
			return fmt.Errorf("offer %s to subscribers: %w", subject, err)
		}
	}
	for _, subject := range []string{apiNext + "*", passPrefix + "*.*"} {
		if err := own.AddServiceExportWithResponse(subject, server.Streamed, nil); err != nil {
			return fmt.Errorf("offer messages to subscribers: %w", err)
		}
	}
	return nil
}

// admit makes these the subscribers, and shows those out who are none any more
// or not the same. Who is new or changed has to wait until swept.
func (g *gate) admit(u Users) error {
	var faults []error
	g.mu.Lock()
	before := g.users
	g.users = map[string]User{}
	for _, user := range u.Users {
		if _, err := g.account(user.Name); err != nil {
			faults = append(faults, fmt.Errorf("let in subscriber %s: %w", user.Name, err))
			continue
		}
		g.users[user.Name] = user
		if old, known := before[user.Name]; !known || !old.same(user) {
			g.unswept[user.Name] = true
		}
	}
	var out []string
	for name, old := range before {
		if user, stays := g.users[name]; !stays || !user.same(old) {
			delete(g.verified, name)
			out = append(out, name)
		}
	}
	g.mu.Unlock()
	for _, name := range out {
		g.showOut(name)
	}
	return errors.Join(faults...)
}

func (u User) same(as User) bool {
	return u.Password == as.Password && slices.Equal(u.Subjects, as.Subjects)
}

// waiting are the subscribers that have to be swept.
func (g *gate) waiting() (users []User) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for name := range g.unswept {
		if user, ok := g.users[name]; ok {
			users = append(users, user)
		}
	}
	return users
}

// swept lets a subscriber in, unless it has changed since.
func (g *gate) swept(u User) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now, ok := g.users[u.Name]; ok && now.same(u) {
		delete(g.unswept, u.Name)
	}
}

func accountOf(name string) string { return "subscriber-" + name }

// account finds or makes a subscriber's account. The caller holds mu.
func (g *gate) account(name string) (*server.Account, error) {
	if a := g.accounts[name]; a != nil {
		return a, nil
	}
	a, _ := g.server.LookupOrRegisterAccount(accountOf(name))
	own := g.server.GlobalAccount()
	door := doorPrefix + name + "."
	imports := map[string]string{
		apiCreate: door + wishCreate, apiCreate + ".*": door + wishCreate + ".*", apiCreate + ".*.>": door + wishCreate + ".*.>",
		apiInfo + "*": door + wishInfo + ".*", apiDelete + "*": door + wishDelete + ".*", apiStream: door + wishStream,
		apiNext + name: "", ack + name + ".>": "",
	}
	for place := range maxFleeting {
		imports[placeInside(place)] = placeOutside(name, place)
	}
	for from, to := range imports {
		if err := a.AddServiceImport(own, from, to); err != nil {
			return nil, fmt.Errorf("import %s: %w", from, err)
		}
	}
	g.accounts[name] = a
	return a, nil
}

// showOut ends the connections of a subscriber.
func (g *gate) showOut(name string) {
	open, err := g.server.Connz(&server.ConnzOptions{Username: true, User: name, Limit: maxConnectionsEach})
	if err != nil {
		g.log.Error("the connections of a former subscriber may go on", "subscriber", name, "error", err)
		return
	}
	for _, c := range open.Conns {
		_ = g.server.DisconnectClientByID(c.Cid) // or it has gone by itself
	}
}

// Check lets this process and the subscribers in, and nobody else.
func (g *gate) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	if o.Username == ownName {
		return equal(o.Password, g.secret)
	}
	why := "no such name and password"
	if user, ok := g.verify(o.Username, o.Password); ok {
		why = g.let(c, &user)
	}
	if why != "" {
		g.log.Warn("a subscriber was not let in", "name", o.Username, "from", c.RemoteAddress(), "reason", why)
	}
	return why == ""
}

// let gives a subscriber who has proven to be one its account, or says why not. It
// is one step, lest somebody comes in who is being shown out.
func (g *gate) let(c server.ClientAuthentication, u *User) (why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	account := g.accounts[u.Name]
	switch {
	case !g.users[u.Name].same(*u) || g.unswept[u.Name]:
		return u.Name + " has just been changed"
	case account.NumLocalConnections() >= maxConnectionsEach:
		return fmt.Sprintf("%s has %d connections", u.Name, maxConnectionsEach)
	}
	c.RegisterUser(&server.User{Username: u.Name, Account: account, Permissions: permissions(u.Name)})
	return ""
}

// permissions keep a subscriber from using its account for anything else.
func permissions(name string) *server.Permissions {
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{
			apiCreate, apiCreate + ".>", apiInfo + "*", apiDelete + "*", apiNext + "*", apiStream, ack + name + ".>",
		}},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
	}
}

// verify finds whom a name and a password belong to. It takes the same time for a
// name that nobody has.
func (g *gate) verify(name, password string) (User, bool) {
	sum := sha256.Sum256([]byte(password))
	g.mu.Lock()
	user, known := g.users[name]
	known = known && !g.unswept[name]
	proven, before := g.verified[name]
	g.mu.Unlock()
	if known && before && proven == sum {
		return user, true
	}
	hash := g.nobody
	if known {
		hash = []byte(user.Password)
	}
	g.hashing.Lock()
	err := bcrypt.CompareHashAndPassword(hash, []byte(password))
	g.hashing.Unlock()
	if err != nil || !known {
		return User{}, false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.users[name].same(user) {
		g.verified[name] = sum
	}
	return user, true
}

// user is a subscriber who may come in now.
func (g *gate) user(name string) (User, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	u, ok := g.users[name]
	return u, ok
}
