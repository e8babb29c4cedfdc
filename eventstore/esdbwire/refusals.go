package esdbwire

import (
	"context"
	"errors"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdbproto"
)

// A refusal is an error in the protocol's own form: a status, and trailers that
// say which of its exceptions it is.
type refusal struct {
	*status.Status
	trailer metadata.MD
}

func (r *refusal) Error() string { return r.Err().Error() }

// GRPCStatus is how grpc finds the status.
func (r *refusal) GRPCStatus() *status.Status { return r.Status }

// refused puts an error's trailers where the client finds them.
func refused(ctx context.Context, err error) error {
	if r := new(refusal); errors.As(err, &r) && r.trailer != nil {
		_ = grpc.SetTrailer(ctx, r.trailer) // fails only where there is no call
	}
	return err
}

func invalidArgument(text string) error {
	return &refusal{Status: status.New(codes.InvalidArgument, text)}
}

const exceptionKey = "exception"

func accessDenied() error {
	return &refusal{status.New(codes.PermissionDenied, "Access Denied. This server is read-only."), metadata.Pairs(exceptionKey, "access-denied")}
}

func metadataMissing() error {
	return &refusal{status.New(codes.InvalidArgument, "Required Metadata Property 'type' or 'content-type' is missing."),
		metadata.Pairs(exceptionKey, "missing-required-metadata-property", "required-metadata-properties", esdbproto.MetaType+","+esdbproto.MetaContentType)}
}

func tooLarge(most int) error {
	n := strconv.Itoa(most)
	return &refusal{status.New(codes.InvalidArgument, "Maximum Append Size of "+n+" Exceeded."),
		metadata.Pairs(exceptionKey, "maximum-append-size-exceeded", "maximum-append-size", n)}
}

func shuttingDown() error {
	return &refusal{Status: status.New(codes.Unavailable, "Server Is Not Ready: it is shutting down.")}
}

// storeError says what a Store's error is in the protocol.
func storeError(err error) error {
	var code codes.Code
	switch {
	case errors.As(err, new(*refusal)):
		return err
	case errors.Is(err, context.Canceled):
		code = codes.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		code = codes.DeadlineExceeded
	case errors.Is(err, eventstore.ErrInvalid):
		code = codes.InvalidArgument
	case errors.Is(err, eventstore.ErrUnknown):
		code = codes.Aborted // the real one says so of "Operation timed out"
	case errors.Is(err, eventstore.ErrUnavailable), errors.Is(err, eventstore.ErrClosed):
		code = codes.Unavailable
	case errors.Is(err, eventstore.ErrFull):
		code = codes.ResourceExhausted
	case errors.As(err, new(*eventstore.CorruptError)):
		code = codes.DataLoss
	default:
		code = codes.Unknown
	}
	return &refusal{Status: status.New(code, err.Error())}
}
