package esdbwire

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/supportledger/supportledger/internal/reread"
	"golang.org/x/crypto/bcrypt"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// lookEvery is how often the file of users is looked at.
const lookEvery = time.Second

// checksAtOnce bounds how many passwords are compared at a time: comparing is slow
// on purpose, and must not take the processors from everybody else.
const checksAtOnce = 2

// mostKnown bounds how many credentials are remembered as right.
const mostKnown = 1024

// A door lets users in. A password is compared once; after that it is known by a
// digest, until the file changes.
type door struct {
	path   string
	log    *slog.Logger
	secret []byte
	checks chan struct{}
	none   string // a hash that no password has

	seen os.FileInfo // look's
	told string      // look's: what was last wrong with the file

	mu    sync.Mutex
	users map[string]User
	known map[[sha256.Size]byte]User
	calls map[*visit]struct{}
}

// A visit is a call under way.
type visit struct {
	user User
	end  context.CancelFunc
}

func newDoor(path string, log *slog.Logger) (*door, error) {
	d := &door{path: path, log: log, secret: []byte(rand.Text()), checks: make(chan struct{}, checksAtOnce), calls: map[*visit]struct{}{}}
	hash, err := bcrypt.GenerateFromPassword([]byte(rand.Text()), bcrypt.DefaultCost)
	if err != nil {
		return nil, err
	}
	d.none = string(hash)
	if d.seen, err = os.Stat(path); err != nil {
		_, err = ReadUsers(path) // says it better
		return nil, err
	}
	u, err := ReadUsers(path)
	if err != nil {
		return nil, err
	}
	d.admit(u)
	return d, nil
}

// look takes the users over where the file has changed. A file with a mistake
// leaves those in force who were read before.
func (d *door) look() {
	info, err := os.Stat(d.path)
	if err == nil && reread.Unchanged(d.seen, info) {
		return
	}
	var u Users
	if err == nil {
		d.seen = info
		u, err = ReadUsers(d.path)
	}
	if err != nil {
		if d.told != err.Error() {
			d.told = err.Error()
			d.log.Error("the readers read before stay in force", "error", err)
		}
		return
	}
	d.told = ""
	d.admit(u)
	d.log.Info("the readers have changed", "readers", len(u.Users))
}

// admit lets these users in and ends the calls of all others.
func (d *door) admit(u Users) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users, d.known = make(map[string]User, len(u.Users)), map[[sha256.Size]byte]User{}
	for _, user := range u.Users {
		d.users[user.Name] = user
	}
	for c := range d.calls {
		if d.users[c.user.Name] != c.user {
			c.end()
		}
	}
}

// enter says who calls, and returns how to leave. The context ends when the user
// is a user no more.
func (d *door) enter(ctx context.Context) (context.Context, func(), error) {
	user, err := d.who(ctx)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	c := &visit{user, cancel}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.users[user.Name] != user { // changed in between
		cancel()
		return nil, nil, unauthenticated()
	}
	d.calls[c] = struct{}{}
	return ctx, func() {
		cancel()
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.calls, c)
	}, nil
}

func (d *door) who(ctx context.Context) (User, error) {
	name, password, ok := credentials64(ctx)
	if !ok {
		return User{}, unauthenticated()
	}
	mac := hmac.New(sha256.New, d.secret)
	mac.Write([]byte(name + "\x00" + password))
	digest := [sha256.Size]byte(mac.Sum(nil))
	d.mu.Lock()
	user, known := d.known[digest]
	claimed, exists := d.users[name]
	d.mu.Unlock()
	if known {
		return user, nil
	}
	select {
	case d.checks <- struct{}{}:
		defer func() { <-d.checks }()
	case <-ctx.Done():
		return User{}, ctx.Err()
	}
	hash := claimed.Password
	if !exists {
		hash = d.none // takes as long
	}
	if bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) != nil || !exists {
		d.log.Warn("a reader was refused", "reader", name)
		return User{}, unauthenticated()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.users[name] == claimed && len(d.known) < mostKnown {
		d.known[digest] = claimed
	}
	return claimed, nil
}

// credentials64 are what basic authentication says.
func credentials64(ctx context.Context) (name, password string, ok bool) {
	md, _ := metadata.FromIncomingContext(ctx)
	for _, value := range md.Get("authorization") {
		scheme, encoded, _ := strings.Cut(value, " ")
		if !strings.EqualFold(scheme, "Basic") {
			continue
		}
		text, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return "", "", false
		}
		return strings.Cut(string(text), ":")
	}
	return "", "", false
}

func unauthenticated() error {
	return status.Error(codes.Unauthenticated, "Authentication is required: name a reader and its password.")
}

// open says which methods everybody may call: those that it names, however a
// client writes another one's path.
func (s *Server) open(method string) bool {
	return s.door == nil || method == serverfeatures.ServerFeatures_GetSupportedMethods_FullMethodName ||
		method == gossip.Gossip_Read_FullMethodName
}

func (s *Server) guardUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if s.open(info.FullMethod) {
		return handle(ctx, req)
	}
	ctx, leave, err := s.door.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return handle(ctx, req)
}

func (s *Server) guardStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	if s.open(info.FullMethod) {
		return handle(srv, stream)
	}
	ctx, leave, err := s.door.enter(stream.Context())
	if err != nil {
		return err
	}
	defer leave()
	err = handle(srv, &guarded{stream, ctx})
	if ctx.Err() != nil && stream.Context().Err() == nil {
		return unauthenticated()
	}
	return err
}

// guarded is a call whose context ends with its user.
type guarded struct {
	grpc.ServerStream
	ctx context.Context
}

// Context is the call's.
func (g *guarded) Context() context.Context { return g.ctx }
