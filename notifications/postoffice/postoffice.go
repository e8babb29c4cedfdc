// Package postoffice turns events into letters and sees to it that they arrive
// (R7, R17, R29, R39): a durable consumer of the feed's stream, and one of a
// stream for what no event brings about.
//
// What holds, whatever stops when:
//
//   - Only the log decides. What is recorded there as sent or given up is not sent
//     again, though JetStream lost everything it knew; what is not recorded is
//     tried until it is. Between a server's answer and the record a crash may
//     repeat a letter, with the same Message-ID: its id derives from what has
//     caused it and from whom it goes to.
//   - Nothing that was recorded before mails were first switched on is told to
//     anybody.
//   - A letter says what was true right after its event, however late it is sent.
//   - A letter in trouble is tried again after growing pauses, and given up after
//     a day, or at once where no try can help; that is recorded. It keeps no other
//     letter waiting: a try is bounded in time, and tries run side by side.
//   - Contract IDs are opened for the letter that carries them and stand nowhere
//     else; neither a log line nor a metric tells addresses, texts or IDs.
//
// Several ledgers on one log share the work where they share the JetStream.
package postoffice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/notifications"
	"github.com/supportledger/supportledger/notifications/mail"
	"github.com/supportledger/supportledger/vault"
)

// Config is what a post office needs. Replicas, Patience and Logger may be zero.
type Config struct {
	Ledger   *ledger.Ledger
	Store    eventstore.Store // the ledger's
	Keys     *vault.Keys
	Catalog  *catalog.Catalog
	Mailer   *mail.Mailer
	Agenda   ledger.MailAgenda
	Dial     notifications.Dial // to the NATS that the feed publishes to
	Replicas int                // of the stream of notices; 1 if 0
	Patience Patience
	Logger   *slog.Logger
}

// Patience is how long things may take. What is 0 is as usual.
type Patience struct {
	First time.Duration // the pause before a letter's second try; each is twice the one before
	Most  time.Duration // the longest pause
	Total time.Duration // a letter is given up when it and its pauses have come to more than this
	Try   time.Duration // one try; longer than the mailer's own times for a step
	Taken time.Duration // when a message whose taker says nothing any more goes to another one
	Look  time.Duration // how often is looked for what time and operators bring about
	Burst time.Duration // for how long letters make way for those who submit, where the machine cannot do both
}

// usual is a patience that mail servers are used to.
func usual() Patience {
	return Patience{
		First: 5 * time.Second, Most: time.Hour, Total: 24 * time.Hour, Try: 10 * time.Minute,
		Taken: 15 * time.Second, Look: time.Second, Burst: time.Minute,
	}
}

// orUsual fills in what is 0.
func (p Patience) orUsual() Patience {
	u := usual()
	for _, d := range []struct{ own, usual *time.Duration }{
		{&p.First, &u.First}, {&p.Most, &u.Most}, {&p.Total, &u.Total}, {&p.Try, &u.Try}, {&p.Taken, &u.Taken}, {&p.Look, &u.Look},
		{&p.Burst, &u.Burst},
	} {
		if *d.own == 0 {
			*d.own = *d.usual
		}
	}
	return p
}

// attempts are those that were made at what a message asks for.
type attempts struct {
	made  int           // the one that is being made too; also those that a process did not live to answer
	since time.Duration // how long ago the message came to be
}

// pause is how long to wait for the next try; over says that it would be too long.
// Both the pauses behind it and the time since the message came must say so: a
// process that crashes often makes many tries in little time, and one that was
// down has had none in much. For the same reason no pause is longer than what
// went before.
func (p *Patience) pause(a attempts) (pause time.Duration, over bool) {
	total := time.Duration(0)
	pause = p.First
	for range a.made - 1 {
		if total += pause; total >= p.Total {
			break
		}
		pause = min(2*pause, p.Most)
	}
	over = total+pause > p.Total
	pause = min(pause, p.First+max(0, a.since))
	return pause, over && a.since+pause > p.Total
}

// An Office sends letters. Make one with New, and let it Run.
type Office struct {
	Config
	log     *slog.Logger
	metrics *metrics
	since   ledger.MailsStart // of the goroutines that Run starts, after it has asked
	state   state

	forgotten eventstore.Position // up to which letters to people who were forgotten were removed; of the session
	recorded  atomic.Uint64       // records of mails, made here

	mu     sync.Mutex
	atWork map[uuid.UUID]struct{} // mails that are being tried here
}

// New makes a post office. It does nothing until it runs.
func New(c Config) *Office {
	o := &Office{Config: c, log: c.Logger, atWork: make(map[uuid.UUID]struct{})}
	o.Replicas, o.Patience = max(1, c.Replicas), c.Patience.orUsual()
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	o.metrics = newMetrics()
	return o
}

// How long the office rests before it connects again.
const (
	restFirst = 100 * time.Millisecond
	restMost  = 5 * time.Second
)

// Run sends letters until the context ends, which is no error. The first time in
// a ledger's life it records that mails begin here. It outlasts whatever happens
// to NATS and to mail servers.
func (o *Office) Run(ctx context.Context) error {
	var nc *nats.Conn
	defer func() {
		if nc != nil {
			nc.Close()
		}
	}()
	for rest := restFirst; ; rest = min(2*rest, restMost) {
		began := time.Now()
		err := o.connected(ctx, &nc)
		o.metrics.unknown()
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, eventstore.ErrClosed) {
			return err
		}
		if time.Since(began) > restMost {
			rest = restFirst
		}
		o.tell(err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(rest/2 + rand.N(rest)):
		}
	}
}

// connected works over a connection, which it makes if there is none.
func (o *Office) connected(ctx context.Context, nc **nats.Conn) error {
	if o.since == (ledger.MailsStart{}) {
		since, err := o.Ledger.SwitchMailsOn(ctx)
		if err != nil {
			return fmt.Errorf("switch mails on: %w", err)
		}
		o.since = since
	}
	if *nc == nil || (*nc).IsClosed() {
		made, err := o.Dial(ctx, nats.Name("supportledger post office"), nats.ErrorHandler(o.heard))
		if err != nil {
			return fmt.Errorf("connect to NATS: %w", err)
		}
		*nc = made
	}
	return o.session(ctx, *nc)
}

// heard takes what a connection tells beside its answers.
func (o *Office) heard(_ *nats.Conn, _ *nats.Subscription, err error) {
	o.log.Debug("the post office's connection to NATS", "error", err)
}

// state is what was last told about NATS, so that each change is told once.
type state struct{ troubled bool }

// tell says once why no letters are taken out.
func (o *Office) tell(err error) {
	level := slog.LevelDebug
	if !o.state.troubled && !errors.Is(err, jetstream.ErrStreamNotFound) { // which the feed makes at its first start
		level, o.state.troubled = slog.LevelWarn, true
	}
	o.log.Log(context.Background(), level, "mails wait for NATS; they go out by themselves when it can be used again", "error", err)
}

// tellWorking says that letters are taken out (again).
func (o *Office) tellWorking() {
	o.state.troubled = false
	o.metrics.connected.Set(1)
	o.log.Info("mails go out", "since position", o.since.Position)
}

// take notes that a mail is being tried; false where it is already.
func (o *Office) take(id uuid.UUID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, taken := o.atWork[id]; taken {
		return false
	}
	o.atWork[id] = struct{}{}
	return true
}

func (o *Office) leave(id uuid.UUID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.atWork, id)
}
