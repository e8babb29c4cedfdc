package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/notifications"
	"github.com/supportledger/supportledger/projections"
)

// echoPatience bounds how long the demo waits for what goes out by itself.
const echoPatience = 30 * time.Second

// echo shows what the ledger has told others of the story: the mail about the
// first incident, and the messages of the feed.
func (s *story) echo() error {
	ctx, cancel := context.WithTimeout(s.ctx, echoPatience)
	defer cancel()
	path, err := s.mailed(ctx, projections.MailFilter{Contract: uuid.MustParse(s.gold.ID), Kind: mail.Submitted, Status: mail.StatusSent})
	if err != nil {
		return fmt.Errorf("wait for the mail about the incident: %w", err)
	}
	fmt.Fprintf(s.terminal.out, "\nthe mail about the incident, %s:\n\n", filepath.Join("mail", filepath.Base(path)))
	if err := printMail(s.terminal.out, path); err != nil {
		return fmt.Errorf("show mail: %w", err)
	}
	fmt.Fprintf(s.terminal.out, "\nwhat a subscriber of the feed received about this contract:\n\n")
	if err := s.heard(ctx); err != nil {
		return fmt.Errorf("listen to the feed: %w", err)
	}
	return nil
}

// mailed waits until the first mail of some is recorded as sent, and says where it
// lies.
func (s *story) mailed(ctx context.Context, about projections.MailFilter) (string, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		mails, err := s.service.set.Mails.List(ctx, s.service.clock.Now(), about, projections.Page{})
		if err != nil {
			return "", err
		}
		if n := len(mails.Items); n > 0 {
			return s.service.file(filepath.Join("mail", mails.Items[n-1].Mail.String()+".eml")), nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// printMail prints a letter's headers and its text.
func printMail(w io.Writer, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	m, err := netmail.ReadMessage(file)
	if err != nil {
		return err
	}
	for _, name := range []string{"Date", "Message-ID", "From", "To", "Subject"} {
		text, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get(name))
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "  %s: %s\n", name, text)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	part, err := multipart.NewReader(m.Body, params["boundary"]).NextRawPart()
	if err != nil {
		return err
	}
	body, err := io.ReadAll(quotedprintable.NewReader(part))
	if err != nil {
		return err
	}
	for line := range strings.Lines("\n" + strings.TrimSpace(string(body))) {
		fmt.Fprintf(w, "  %s\n", strings.TrimRight(line, "\r\n"))
	}
	return nil
}

// heard prints the feed's messages about the contract, as a subscriber pulls them.
func (s *story) heard(ctx context.Context) error {
	head, err := s.service.store.Head(ctx)
	if err != nil {
		return err
	}
	if err := s.service.feed.Await(ctx, head); err != nil {
		return err
	}
	d := s.service.subscriber
	nc, err := nats.Connect("nats://"+s.service.broker.Address(), nats.UserInfo(d.User, d.Password), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	c, err := js.CreateOrUpdateConsumer(ctx, d.Stream, jetstream.ConsumerConfig{
		Durable: d.Consumer, FilterSubject: "ledger.events.*.*." + s.gold.ID, AckPolicy: jetstream.AckNonePolicy,
	})
	if err != nil {
		return err
	}
	left := c.CachedInfo().NumPending
	if left == 0 {
		return errors.New("there is no message")
	}
	for ; left > 0; left-- {
		m, err := c.Next(jetstream.FetchContext(ctx))
		if err != nil {
			return err
		}
		fmt.Fprintf(s.terminal.out, "  %3s  %s\n       %s\n", m.Headers().Get(notifications.HeaderOrdinal), m.Subject(), clip(string(m.Data())))
	}
	return nil
}

// mostShown is how much of a message is shown, in bytes.
const mostShown = 110

func clip(text string) string {
	if len(text) <= mostShown {
		return text
	}
	return strings.ToValidUTF8(text[:mostShown], "") + " ..."
}
