package site

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/supportledger/supportledger/notifications/mail"
	"github.com/supportledger/supportledger/notifications/postoffice"
)

// A mailing is a site's post office at work.
type mailing struct {
	mailer *mail.Mailer
	stop   context.CancelFunc
	work   *errgroup.Group
}

// SwitchMailsOn says that mails are about what comes from now on.
func (r *Running) SwitchMailsOn(ctx context.Context) error {
	_, err := r.Ledger.SwitchMailsOn(ctx)
	return err
}

// StartMails lets mails go out, into the site's folder.
func (r *Running) StartMails(ctx context.Context) error {
	mailer, err := mail.Open(mail.Config{}, r.site.Dir)
	if err != nil {
		return err
	}
	office := postoffice.New(postoffice.Config{
		Ledger: r.Ledger, Store: r.Store, Keys: r.site.keys, Catalog: r.site.catalog, Mailer: mailer,
		Agenda: r.set.MailAgenda(), Dial: r.feed.dial,
	})
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	r.mails = &mailing{mailer: mailer, stop: stop, work: new(errgroup.Group)}
	r.mails.work.Go(func() error { return office.Run(work) })
	return r.SwitchMailsOn(ctx)
}

func (m *mailing) close() error {
	m.stop()
	return errors.Join(m.work.Wait(), m.mailer.Close())
}

// AwaitMails waits until that many more records than head are in the log: those
// of mails, while nobody submits.
func (r *Running) AwaitMails(ctx context.Context, head, mails int64) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		now, err := r.Store.Head(ctx)
		if err != nil || int64(now) >= head+mails {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for %d mails, of which %d are recorded: %w", mails, int64(now)-head, ctx.Err())
		}
	}
}
