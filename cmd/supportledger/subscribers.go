package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/supportledger/supportledger/internal/durably"
	"github.com/supportledger/supportledger/notifications/broker"
)

// subscribersFile is what the commands on subscribers work on.
type subscribersFile struct {
	File string `type:"path" required:"" placeholder:"FILE" env:"SUPPORTLEDGER_NATS_USERS" help:"The file that serve --nats-users reads. A running ledger takes a change over within a second."`
}

type subscribersAddCmd struct {
	subscribersFile
	Name    string   `arg:"" help:"The subscriber's name, which is its consumer's, too: lower-case letters, digits and hyphens."`
	Subject []string `required:"" placeholder:"SUBJECT" help:"What it may read, such as ledger.events.incident.> or ledger.events.>. May be given more than once."`
}

// Run adds a subscriber, and prints its password, once.
func (c *subscribersAddCmd) Run(_ context.Context, t *terminal) error {
	users, err := broker.ReadUsers(c.File)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	password, err := users.Add(c.Name, c.Subject)
	if err != nil {
		return fmt.Errorf("add subscriber: %w", err)
	}
	if err := users.Write(c.File); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "user %s\npassword %s\n", c.Name, password)
	fmt.Fprintln(t.err, "the password is stored nowhere: keep it now")
	return nil
}

type subscribersRemoveCmd struct {
	subscribersFile
	Name string `arg:"" help:"The subscriber's name."`
}

// Run removes a subscriber, whose connections end.
func (c *subscribersRemoveCmd) Run(_ context.Context, _ *terminal) error {
	users, err := broker.ReadUsers(c.File)
	if err != nil {
		return err
	}
	if err := users.Remove(c.Name); err != nil {
		return fmt.Errorf("remove subscriber: %w", err)
	}
	return users.Write(c.File)
}

type subscribersListCmd struct{ subscribersFile }

// Run prints the subscribers with what they may read.
func (c *subscribersListCmd) Run(_ context.Context, t *terminal) error {
	users, err := broker.ReadUsers(c.File)
	if err != nil {
		return err
	}
	for _, u := range users.Users {
		fmt.Fprintf(t.out, "%s\t%s\n", u.Name, strings.Join(u.Subjects, " "))
	}
	return nil
}

// A devSubscriber is who may listen to a development ledger, with a password that
// stays the same.
type devSubscriber struct {
	URL      string   `json:"url"`
	User     string   `json:"user"`
	Password string   `json:"password"`
	Stream   string   `json:"stream"`
	Consumer string   `json:"consumer"`
	Subjects []string `json:"subjects"`
}

func (f folder) devSubscriber() string { return f.file("dev-subscriber.json") }

// devSubscribers reads the development ledger's subscriber, or makes it.
func (v *service) devSubscribers() (broker.Users, error) {
	var users broker.Users
	s := devSubscriber{User: "subscriber", Password: strings.ToLower(rand.Text()), Stream: "LEDGER", Consumer: "subscriber", Subjects: []string{"ledger.events.>"}}
	body, err := os.ReadFile(v.devSubscriber())
	if err == nil {
		err = json.Unmarshal(body, &s)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return users, fmt.Errorf("read %s: %w", v.devSubscriber(), err)
	}
	v.subscriber = &s
	return users, users.Put(s.User, s.Password, s.Subjects)
}

// writeDevSubscriber puts the subscriber into the folder, readable by the owner
// alone.
func (v *service) writeDevSubscriber(address string) error {
	v.subscriber.URL = address
	body, err := json.MarshalIndent(v.subscriber, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", v.devSubscriber(), err)
	}
	if err := durably.Replace(v.devSubscriber(), append(body, '\n')); err != nil {
		return fmt.Errorf("write %s: %w", v.devSubscriber(), err)
	}
	return nil
}
