package main

import (
	"context"
	"fmt"
	"os"

	"github.com/supportledger/supportledger/notifications/mail"
	"github.com/supportledger/supportledger/notifications/postoffice"
)

// mailFlags say how letters are sent.
type mailFlags struct {
	NoMails       bool   `env:"SUPPORTLEDGER_NO_MAILS" help:"Send no mails. What happens meanwhile is told once they are on again."`
	MailFrom      string `placeholder:"ADDRESS" env:"SUPPORTLEDGER_MAIL_FROM" help:"The address that mails come from, with a name if wished: 'Example Support <support@example.com>'. Required with --smtp."`
	MailTemplates string `type:"path" placeholder:"DIR" env:"SUPPORTLEDGER_MAIL_TEMPLATES" help:"A directory of templates that take the place of those that come with the program."`

	SMTP              string `name:"smtp" placeholder:"URL" env:"SUPPORTLEDGER_SMTP" help:"The server that mails go to: smtp://user@host:587 or smtps://user@host:465. If left out, they become files in the folder mail of --data."`
	SMTPPasswordFile  string `name:"smtp-password-file" type:"path" placeholder:"FILE" env:"SUPPORTLEDGER_SMTP_PASSWORD_FILE" help:"A file whose first line is the user's password; else SUPPORTLEDGER_SMTP_PASSWORD is it."`
	SMTPCA            string `name:"smtp-ca" type:"path" placeholder:"FILE" env:"SUPPORTLEDGER_SMTP_CA" help:"Certificates, PEM, one of which the server's must come from; the system's if left out."`
	SMTPHello         string `name:"smtp-hello" placeholder:"NAME" env:"SUPPORTLEDGER_SMTP_HELLO" help:"The name to greet the server with; the host of --mail-from if left out."`
	SMTPPlain         bool   `name:"smtp-plain" env:"SUPPORTLEDGER_SMTP_PLAIN" help:"Speak to the server without TLS."`
	SMTPPlainPassword bool   `name:"smtp-plain-password" env:"SUPPORTLEDGER_SMTP_PLAIN_PASSWORD" help:"With --smtp-plain: the password may travel without TLS."`
	SMTPPlainIDs      bool   `name:"smtp-plain-ids" env:"SUPPORTLEDGER_SMTP_PLAIN_IDS" help:"With --smtp-plain: mails with Contract IDs may travel without TLS; else they are not sent."`
}

// mailSettings are what the flags come to.
type mailSettings struct {
	off    bool
	config mail.Config
}

func (f *mailFlags) settings(noFeed bool) (mailSettings, error) {
	s := mailSettings{off: f.NoMails || noFeed, config: mail.Config{
		From: f.MailFrom, Templates: f.MailTemplates, SMTP: f.SMTP, SMTPPasswordFile: f.SMTPPasswordFile,
		SMTPPassword: os.Getenv("SUPPORTLEDGER_SMTP_PASSWORD"), SMTPCA: f.SMTPCA, SMTPHello: f.SMTPHello,
		SMTPPlain: f.SMTPPlain, SMTPPlainPassword: f.SMTPPlainPassword, SMTPPlainIDs: f.SMTPPlainIDs,
	}}
	if !s.off || f.SMTP == "" && f.MailFrom == "" && f.MailTemplates == "" {
		return s, nil
	}
	by := "--no-mails"
	if !f.NoMails {
		by = "--no-feed, on which mails depend,"
	}
	return s, fmt.Errorf("%w: %s contradicts --smtp, --mail-from and --mail-templates: leave one out", errAskedWrongly, by)
}

// openMails makes the post office. Where mails were never on they begin here,
// before anything else is recorded.
func (v *service) openMails(ctx context.Context, s settings) (err error) {
	if s.mails.off || s.nats.off {
		v.log.Warn("no mails are sent; what happens is told once they are on again")
		return nil
	}
	if v.mailer, err = mail.Open(s.mails.config, string(v.folder)); err != nil {
		return err
	}
	for _, warning := range v.mailer.Warnings() {
		v.log.Warn(warning)
	}
	v.post = postoffice.New(postoffice.Config{
		Ledger: v.ledger, Store: v.store, Keys: v.keys, Catalog: v.catalog, Mailer: v.mailer, Agenda: v.set.MailAgenda(),
		Dial: v.dial, Replicas: s.nats.replicas, Logger: v.log,
	})
	_, err = v.ledger.SwitchMailsOn(ctx)
	return err
}

// runMails sends mails until the context ends.
func (v *service) runMails(ctx context.Context) error {
	if v.post == nil {
		return nil
	}
	return v.post.Run(ctx)
}

// closeMails lets go of the mail server.
func (v *service) closeMails() error {
	if v.mailer == nil {
		return nil
	}
	return v.mailer.Close()
}
