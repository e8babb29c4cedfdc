// Command subscriber is an example of a program that follows a supportledger by
// its feed in NATS JetStream: it prints a line for each event, once, goes on
// where it stopped, and says whether it has missed anything.
//
//	subscriber --url nats://127.0.0.1:4222 --user crm --password-file crm.password --state crm.json
//
// docs/subscribing.md tells why it does what it does. It imports nothing of the
// ledger: what it needs to know is in the messages.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// config is what the flags say.
type config struct {
	url, user, password, ca string
	stream, consumer        string
	subjects                []string
	state                   string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "subscriber:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, told io.Writer) error {
	c, err := readFlags(args, told)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	s := &subscriber{config: c, out: out, told: told}
	return s.run(ctx)
}

func readFlags(args []string, told io.Writer) (c config, err error) {
	flags := flag.NewFlagSet("subscriber", flag.ContinueOnError)
	flags.SetOutput(told)
	var subjects, passwordFile string
	flags.StringVar(&c.url, "url", "nats://127.0.0.1:4222", "where the feed is")
	flags.StringVar(&c.user, "user", "", "the subscriber's name")
	flags.StringVar(&passwordFile, "password-file", "", "a file that holds the password; SUBSCRIBER_PASSWORD if left out")
	flags.StringVar(&c.ca, "ca", "", "a file with the certificates, PEM, one of which the server's is signed by")
	flags.StringVar(&c.stream, "stream", "LEDGER", "the JetStream stream")
	flags.StringVar(&c.consumer, "consumer", "", "the durable consumer's name; the user's if left out")
	flags.StringVar(&subjects, "subjects", "ledger.events.>", "what to read, with commas in between")
	flags.StringVar(&c.state, "state", "", "a file that remembers where the subscriber is; from the beginning at each start if left out")
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	if flags.NArg() > 0 {
		return c, fmt.Errorf("%q is not a flag", flags.Arg(0))
	}
	c.password = os.Getenv("SUBSCRIBER_PASSWORD")
	if passwordFile != "" {
		text, err := os.ReadFile(passwordFile)
		if err != nil {
			return c, fmt.Errorf("read --password-file: %w", err)
		}
		c.password = strings.TrimSpace(string(text))
	}
	if c.consumer == "" {
		c.consumer = c.user
	}
	if c.consumer == "" {
		return c, errors.New("--user is missing: the name that supportledger subscribers add was given")
	}
	c.subjects = strings.Split(subjects, ",")
	return c, nil
}
