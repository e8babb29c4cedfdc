package mail

import (
	"context"
	netmail "net/mail"
	"time"

	"github.com/google/uuid"
)

// A Mailer writes letters and sends them. There is one in a process.
type Mailer struct {
	templates *Templates
	from      netmail.Address
	transport Transport
	atOnce    int // letters
	warnings  []string
}

// Open checks the configuration, reads the files it names, tries every template,
// and returns what sends. Letters go into the folder "mail" of the ledger's
// folder where no SMTP server is named; nobody is connected to before the first
// letter. An error names the flag that is wrong. The caller closes the Mailer.
func Open(c Config, ledger string) (*Mailer, error) {
	s, err := c.settings()
	if err != nil {
		return nil, err
	}
	m := &Mailer{templates: s.templates, from: s.from, warnings: s.warnings}
	if s.smtp == nil {
		m.atOnce = turns
		m.transport, err = OpenFolder(ledger)
		return m, err
	}
	m.atOnce = lines
	m.transport = newSwitchboard(*s.smtp)
	return m, nil
}

// AtOnce is how many letters are worth sending at the same time; the rest of
// more than these waits for them.
func (m *Mailer) AtOnce() int { return m.atOnce }

// Send writes the letter, dated by the caller, and delivers it; see Transport for
// what holds when it returns, and VerdictOf for what an error means.
func (m *Mailer) Send(ctx context.Context, l Letter, date time.Time) error {
	message, err := m.templates.Render(l, m.from, date)
	if err != nil {
		return err
	}
	return m.transport.Send(ctx, message)
}

// Forget removes what this process keeps of a letter whose recipient was forgotten
// (R47): the file in the folder. What a server took is not in our hands.
func (m *Mailer) Forget(letter uuid.UUID) error {
	if folder, ok := m.transport.(*Folder); ok {
		return folder.Forget(letter)
	}
	return nil
}

// MessageID is what a letter's message is called in the world, for its record:
// the id at the host that letters come from. It is the same on every try.
func (m *Mailer) MessageID(letter uuid.UUID) string {
	return "<" + messageID(letter, m.from.Address) + ">"
}

// Warnings are sentences for the log about settings that will keep letters from
// being sent; none if there is nothing to say.
func (m *Mailer) Warnings() []string { return m.warnings }

// Close lets go of the connection; nothing is sent afterwards.
func (m *Mailer) Close() error { return m.transport.Close() }
