package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/alecthomas/kong"
)

// cli is every command and flag. The help texts are the manual: --help and
// docs/commands.md show them.
type cli struct {
	Serve  serveCmd  `cmd:"" help:"Serve a ledger over HTTP until SIGTERM or SIGINT; what was accepted is finished."`
	Health healthCmd `cmd:"" help:"Ask a running ledger whether requests should be sent to it; exit code 1 says that they should not."`
	Demo   demoCmd   `cmd:"" help:"Tell the story of a support contract from registering to the credit-back, and verify it."`

	Verify    verifyCmd    `cmd:"" help:"Prove the log, its index and the read models right, or name the first record that is wrong."`
	Import    importCmd    `cmd:"" help:"Import partners, contracts, opening balances and links from a file. What was imported before stays as it is."`
	Export    exportCmd    `cmd:"" help:"Print all contracts with their balances and links, without Contract IDs."`
	Statement statementCmd `cmd:"" help:"Print what a contract had at the start of a period, what moved in it, and what it had at the end."`
	History   historyCmd   `cmd:"" help:"Print everything that happened to a contract, with the balances after each event."`

	Backup      backupCmd  `cmd:"" help:"Copy a ledger, also while it is running. Keys are not copied."`
	Restore     restoreCmd `cmd:"" help:"Make a ledger's folder from a backup, and verify it."`
	Copy        copyCmd    `cmd:"" help:"Move a log between a folder and an EventStoreDB cluster, and compare every record."`
	Projections struct {
		List    listCmd    `cmd:"" help:"List the read models and how far each is."`
		Rebuild rebuildCmd `cmd:"" help:"Make a read model anew from the log, beside the one in use."`
	} `cmd:"" help:"Look after the read models."`

	Mails struct {
		List   mailsListCmd   `cmd:"" help:"List the mails that were sent, and those that were not, the newest first."`
		Show   mailsShowCmd   `cmd:"" help:"Print what is recorded of a mail, and the letter itself if it lies in the folder."`
		Resend mailsResendCmd `cmd:"" help:"Have a mail that was given up sent again."`
	} `cmd:"" help:"Look after the mails."`

	People struct {
		Move peopleMoveCmd `cmd:"" help:"Copy the keys of people from the folder into a database that several nodes can share."`
	} `cmd:"" help:"Look after the keys of people."`
	Attachments struct {
		Move attachmentsMoveCmd `cmd:"" help:"Copy the attachments from the folder into a store that several nodes can share, or back."`
	} `cmd:"" help:"Look after what people have uploaded."`
	Token struct {
		Create tokenCmd `cmd:"" help:"Print a bearer token of the built-in issuer."`
	} `cmd:"" help:"Look after tokens."`
	Subscribers struct {
		Add    subscribersAddCmd    `cmd:"" help:"Add a subscriber of the feed, and print its password once."`
		Remove subscribersRemoveCmd `cmd:"" help:"Remove a subscriber; its connections end."`
		List   subscribersListCmd   `cmd:"" help:"List the subscribers with what they may read."`
	} `cmd:"" help:"Look after those who listen to the feed over NATS."`
	Readers struct {
		Add    readersAddCmd    `cmd:"" help:"Add a reader of the log, and print its password once."`
		Remove readersRemoveCmd `cmd:"" help:"Remove a reader; its calls end."`
		List   readersListCmd   `cmd:"" help:"List the readers with their roles."`
	} `cmd:"" help:"Look after those who read the log with clients of EventStoreDB."`
	Keys struct {
		Create keysCreateCmd `cmd:"" help:"Make the keys of a new installation."`
		Rotate keysRotateCmd `cmd:"" help:"Add a new encryption key, which seals from the next start on."`
	} `cmd:"" help:"Look after the installation's keys."`
	Catalog struct {
		Check catalogCmd `cmd:"" help:"Read a catalogue and report every mistake with file, line, column and key."`
		Show  showCmd    `cmd:"" help:"Print a catalogue that comes with the program, to start one's own from."`
	} `cmd:"" help:"Look after catalogues."`

	Help           helpCmd    `cmd:"" help:"Print what there is to do, or what a command takes."`
	VersionCommand versionCmd `cmd:"" name:"version" help:"Print the version."`

	Version kong.VersionFlag `help:"Print the version."`
}

// A terminal is where a command speaks: here, or at the other end of a control
// socket.
type terminal struct {
	out, err io.Writer
	progress func(stage string, done, total int64)
}

// errFound says that the command did its work and what it found is bad; it has
// been told already.
var errFound = errors.New("found something wrong")

// toldCode is an exit code for which everything has been told.
type toldCode int

func (c toldCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

const (
	exitFailed = 1
	exitUsage  = 2
)

// run runs one command and returns its exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("supportledger"),
		kong.Description("Records the life of prepaid support contracts as immutable events."),
		kong.UsageOnError(), kong.Writers(stdout, stderr), kong.Vars{"version": version()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 100}),
		kong.Exit(func(code int) { exited = code }), // after --help and --version
	)
	if err != nil {
		fmt.Fprintln(stderr, "supportledger:", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "supportledger: %v\n%s\n", err, wayOut(err))
		return exitUsage
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	return report(stderr, parsed.Run(newTerminal(stdout, stderr)))
}

// wayOut says what to give in place of what could not be read.
func wayOut(err error) string {
	if wrong, ok := errors.AsType[*kong.ParseError](err); ok {
		if command := wrong.Context.Selected(); command != nil {
			return fmt.Sprintf("Want supportledger %s: supportledger %s --help says what each is.", command.Summary(), command.Path())
		}
	}
	return "supportledger --help shows the commands, and --help behind a command what it takes."
}

// report turns a command's error into a sentence and an exit code.
func report(stderr io.Writer, err error) int {
	var told toldCode
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFound):
		return exitFailed
	case errors.As(err, &told):
		return int(told)
	case errors.Is(err, errAskedWrongly):
		fmt.Fprintln(stderr, "supportledger:", err)
		return exitUsage
	}
	fmt.Fprintln(stderr, "supportledger:", err)
	return exitFailed
}

// errAskedWrongly marks flags that do not go together.
var errAskedWrongly = errors.New("asked wrongly")

// version is the module's version and the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	text := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && text == "(devel)" {
			text = s.Value[:min(12, len(s.Value))]
		}
	}
	return text
}
