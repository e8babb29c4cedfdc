package esdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/supportledger/supportledger/eventstore"
)

// codeOf is the client's code of an error, however it is wrapped.
func codeOf(err error) (client.ErrorCode, bool) {
	var e *client.Error
	if !errors.As(err, &e) {
		return client.ErrorCodeUnknown, false
	}
	return e.Code(), true
}

// ended says that a read has come to its end.
func ended(err error) bool { return errors.Is(err, io.EOF) }

// gone says whether an error means that the cluster cannot be reached.
func gone(err error) bool {
	if code, ok := codeOf(err); ok {
		return code == client.ErrorUnavailable || code == client.ErrorCodeConnectionClosed
	}
	return err != nil && status.Code(err) == codes.Unavailable
}

// passes says whether an error may be gone when the same is asked again.
func passes(err error) bool {
	code, _ := codeOf(err)
	return gone(err) || errors.Is(err, errLeft) || errors.Is(err, errNoLeader) || errors.Is(err, eventstore.ErrUnavailable) ||
		code == client.ErrorCodeNotLeader || code == client.ErrorCodeDeadlineExceeded || code == client.ErrorAborted ||
		status.Code(err) == codes.DeadlineExceeded && !errors.Is(err, context.DeadlineExceeded)
}

// misplaced says that the server will not read from a position where no record
// stands.
func misplaced(err error) bool {
	text := strings.ToLower(err.Error())
	return strings.Contains(text, "invalidposition") || strings.Contains(text, "invalid position")
}

// failure is what a read's error means to the caller.
func failure(err error) error {
	code, _ := codeOf(err)
	grpc := status.Code(err)
	switch {
	case errors.Is(err, eventstore.ErrUnavailable), errors.Is(err, eventstore.ErrClosed), errors.As(err, new(*eventstore.CorruptError)),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case code == client.ErrorCodeStreamDeleted:
		return &eventstore.CorruptError{Where: "the cluster", Reason: err.Error()}
	case grpc == codes.DataLoss, errors.Is(err, errPanic):
		return &eventstore.CorruptError{Where: "the cluster", Reason: err.Error()}
	}
	return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
}

// cutShort says of an append's error that the server has answered before it had
// got the whole of it, and that the client has not looked at the answer.
func cutShort(err error) bool { return ended(err) }

// neverSent says of an append's error that the server cannot have got the whole
// of it. The client tells that by its words alone.
func neverSent(err error) bool {
	code, _ := codeOf(err)
	if code == client.ErrorCodeConnectionClosed || code == client.ErrorCodeNotLeader ||
		code == client.ErrorCodeUnauthenticated || code == client.ErrorCodeAccessDenied || code == client.ErrorCodeUnsupportedFeature {
		return true
	}
	text := err.Error()
	for _, before := range []string{"could not construct append operation", "could not send append request", "maximum discovery attempt count reached"} {
		if strings.Contains(text, before) {
			return true
		}
	}
	return errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, eventstore.ErrClosed) // the line refused it
}
