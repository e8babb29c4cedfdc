package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/projections"
)

type mailsListCmd struct {
	onFolder
	Status   string `enum:",sent,given-up,requested" default:"" placeholder:"STATUS" help:"Only those that are sent, given-up or requested (given up, and asked for again since)."`
	Contract string `placeholder:"ID" help:"Only those about this contract, or this incident that no contract pays for."`
	Kind     string `enum:",ids,linked,submitted,closed,few-left,expiring,expired" default:"" placeholder:"KIND" help:"Only those of a kind: ids, linked, submitted, closed, few-left, expiring or expired."`
	Limit    int    `default:"100" placeholder:"N" help:"How many at most, ${default} if left out; 0 is all."`
	JSON     bool   `help:"Print one JSON value per mail."`
}

func (mailsListCmd) name() string { return "mails-list" }

// Run lists mails.
func (c *mailsListCmd) Run(ctx context.Context, t *terminal) error { return c.do(ctx, c, t) }

func (c *mailsListCmd) on(ctx context.Context, h *house, t *terminal) error {
	filter := projections.MailFilter{Status: mail.Status(c.Status), Kind: mail.Kind(c.Kind)}
	var err error
	if c.Contract != "" {
		if filter.Contract, err = uuid.Parse(c.Contract); err != nil {
			return fmt.Errorf("%w: %q is not the id of a contract, such as 2666d29d-e0e6-8a61-815a-4befe847e4bd", errAskedWrongly, c.Contract)
		}
	}
	if c.Limit < 0 {
		return fmt.Errorf("%w: --limit must not be below 0", errAskedWrongly)
	}
	set, err := h.upToDate(ctx)
	if err != nil {
		return err
	}
	print := newMailPrinter(t.out, c.JSON)
	page := projections.Page{Limit: projections.MaxLimit}
	for left := c.Limit; ; left -= page.Limit {
		if c.Limit > 0 {
			page.Limit = min(left, projections.MaxLimit)
		}
		mails, err := set.Mails.List(ctx, h.clock.Now(), filter, page)
		if err != nil {
			return err
		}
		for i := range mails.Items {
			if err := h.openRecipient(ctx, &mails.Items[i].Recipient); err != nil {
				return err
			}
			if err := print.row(&mails.Items[i]); err != nil {
				return fmt.Errorf("print mails: %w", err)
			}
		}
		if page.Cursor = mails.Next; page.Cursor == "" || c.Limit > 0 && left <= page.Limit {
			return print.table.Flush()
		}
	}
}

// upToDate are the read models, true up to the head as of the call.
func (h *house) upToDate(ctx context.Context) (*projections.Set, error) {
	set, err := h.projections(ctx)
	if err != nil {
		return nil, err
	}
	if !h.running {
		if err := set.CatchUp(ctx); err != nil {
			return nil, fmt.Errorf("catch up: %w", err)
		}
		return set, nil
	}
	head, err := h.store.Head(ctx)
	if err != nil {
		return nil, err
	}
	if err := set.Await(ctx, head); err != nil {
		return nil, fmt.Errorf("wait for the read models: %w", err)
	}
	return set, nil
}

// openRecipient opens to whom a mail goes, if the keys of people are there.
func (h *house) openRecipient(ctx context.Context, to *domain.Sealed[mail.Recipient]) error {
	if h.people == nil {
		return nil
	}
	return h.openPersonal(ctx, to)
}

// A mailLine is a mail as it is printed.
type mailLine struct {
	ID        uuid.UUID   `json:"id"`
	Contract  uuid.UUID   `json:"contract"`
	Kind      mail.Kind   `json:"kind"`
	Cause     uuid.UUID   `json:"cause,omitzero"`
	Language  string      `json:"language"`
	Recipient any         `json:"recipient,omitempty"`
	Status    mail.Status `json:"status"`
	Tries     int         `json:"tries"`
	Reason    string      `json:"reason,omitempty"`
	MessageID string      `json:"message_id,omitempty"`
	At        time.Time   `json:"at"`
}

func mailLineOf(r *projections.MailRow) mailLine {
	line := mailLine{
		ID: r.Mail, Contract: r.Contract, Kind: r.Kind, Cause: r.Cause, Language: r.Language,
		Status: r.Status, Tries: r.Tries, Reason: r.Reason, MessageID: r.MessageID, At: r.At,
	}
	switch {
	case r.Recipient.Clear != nil:
		line.Recipient = r.Recipient.Clear
	case r.Recipient.Erased || r.Recipient.Box == nil:
		line.Recipient = domain.ErasedText
	}
	return line
}

// address is to whom a mail goes, for people.
func (l *mailLine) address() string {
	switch to := l.Recipient.(type) {
	case *mail.Recipient:
		return fmt.Sprintf("%s <%s>", to.Name, to.Email)
	case string:
		return to
	}
	return "sealed"
}

// mailPrinter prints mails as a table, or as lines of JSON.
type mailPrinter struct {
	json  *json.Encoder
	table *tabwriter.Writer
	lines int
}

func newMailPrinter(w io.Writer, asJSON bool) *mailPrinter {
	p := &mailPrinter{table: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	if asJSON {
		p.json = json.NewEncoder(w)
	}
	return p
}

func (p *mailPrinter) row(r *projections.MailRow) error {
	line := mailLineOf(r)
	if p.json != nil {
		return p.json.Encode(line)
	}
	if p.lines == 0 {
		fmt.Fprintln(p.table, "MAIL\tAT\tSTATUS\tKIND\tTRIES\tREASON\tCONTRACT\tTO")
	}
	fmt.Fprintf(p.table, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", line.ID, line.At.Format(time.RFC3339), line.Status, line.Kind,
		line.Tries, orDash(line.Reason), line.Contract, line.address())
	if p.lines++; p.lines%flushEvery == 0 {
		return p.table.Flush()
	}
	return nil
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// A oneMail names the mail that a command is about.
type oneMail struct {
	Mail string `arg:"" help:"The mail's id; mails list names them."`
}

// find finds the mail.
func (o oneMail) find(ctx context.Context, h *house) (projections.MailRow, error) {
	id, err := uuid.Parse(o.Mail)
	if err != nil {
		return projections.MailRow{}, fmt.Errorf("%w: %q is not the id of a mail, such as 2666d29d-e0e6-8a61-815a-4befe847e4bd", errAskedWrongly, o.Mail)
	}
	set, err := h.upToDate(ctx)
	if err != nil {
		return projections.MailRow{}, err
	}
	row, found, err := set.Mails.Find(ctx, id)
	if err == nil && !found {
		err = mail.RefuseUnknown(id)
	}
	return row, err
}

type mailsShowCmd struct {
	onFolder
	oneMail
}

func (mailsShowCmd) name() string { return "mails-show" }

// Run shows a mail.
func (c *mailsShowCmd) Run(ctx context.Context, t *terminal) error { return c.do(ctx, c, t) }

func (c *mailsShowCmd) on(ctx context.Context, h *house, t *terminal) error {
	row, err := c.find(ctx, h)
	if err != nil {
		return err
	}
	if err := h.openRecipient(ctx, &row.Recipient); err != nil {
		return err
	}
	line := mailLineOf(&row)
	fmt.Fprintf(t.out, "mail      %s\nabout     %s\nkind      %s\nlanguage  %s\nto        %s\nstatus    %s\n\n",
		line.ID, line.Contract, line.Kind, line.Language, line.address(), line.Status)
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "POSITION\tRECORDED\tEVENT\tBY\tWHAT")
	for r, err := range h.store.ReadStream(ctx, ledger.MailsOf(row.Contract), 0, eventstore.Forwards) {
		if err != nil {
			return fmt.Errorf("read mails of %s: %w", row.Contract, err)
		}
		if err := h.printStep(ctx, table, r, row.Mail); err != nil {
			return err
		}
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print mail: %w", err)
	}
	return h.printLetter(t.out, row.Mail)
}

// printStep prints a record, if it is about a mail.
func (h *house) printStep(ctx context.Context, w io.Writer, r eventstore.Record, id uuid.UUID) error {
	recorded, err := ledger.Decode(r)
	if err != nil {
		return err
	}
	if h.people != nil {
		if err := h.openTexts(ctx, recorded.Event); err != nil {
			return fmt.Errorf("record %s@%d: %w", r.Stream, r.Revision, err)
		}
	}
	about, what := uuid.Nil, ""
	switch e := recorded.Event.(type) {
	case *mail.Sent:
		about, what = e.Mail, fmt.Sprintf("by try %d as %s", e.Try, e.MessageID)
	case *mail.GivenUp:
		about, what = e.Mail, fmt.Sprintf("after %d tries: %s", e.Tries, e.Reason)
		if e.Recipient.Clear != nil && e.Recipient.Clear.Said != "" {
			what += fmt.Sprintf(", %q", e.Recipient.Clear.Said)
		}
	case *mail.Requested:
		about, what = e.Mail, orDash(e.Reason)
	}
	if about == id {
		fmt.Fprintf(w, "%v\t%s\t%s\t%s\t%s\n", r.Position, r.RecordedAt.Format(time.RFC3339), r.Type, who(recorded.Meta.By), what)
	}
	return nil
}

// printLetter prints the letter itself, where mails are put into the folder.
func (h *house) printLetter(w io.Writer, id uuid.UUID) error {
	path := h.file(filepath.Join("mail", id.String()+".eml"))
	letter, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read letter: %w", err)
	}
	defer letter.Close()
	fmt.Fprintf(w, "\n%s:\n\n", path)
	if _, err := io.Copy(w, letter); err != nil {
		return fmt.Errorf("read letter %s: %w", path, err)
	}
	return nil
}

type mailsResendCmd struct {
	onFolder
	oneMail
	Reason string `placeholder:"TEXT" help:"Why; it is recorded."`
}

func (mailsResendCmd) name() string { return "mails-resend" }

// Run asks for a mail again.
func (c *mailsResendCmd) Run(ctx context.Context, t *terminal) error { return c.do(ctx, c, t) }

func (c *mailsResendCmd) on(ctx context.Context, h *house, t *terminal) error {
	row, err := c.find(ctx, h)
	if err != nil {
		return err
	}
	l, err := h.recorder()
	if err != nil {
		return err
	}
	by := ledger.Request{By: ledger.Actor{Role: ledger.Admin}}
	answer, err := l.ResendMail(ctx, by, row.Contract, row.Mail, c.Reason)
	if err != nil {
		return err
	}
	if !answer.Changed {
		fmt.Fprintf(t.out, "mail %s was asked for already, at %s\n", row.Mail, answer.At.Format(time.RFC3339))
		return nil
	}
	fmt.Fprintf(t.out, "mail %s is to be sent again; recorded at position %v\n", row.Mail, answer.Position)
	if !h.running {
		fmt.Fprintln(t.out, "it will be, once the ledger runs")
	}
	return nil
}
