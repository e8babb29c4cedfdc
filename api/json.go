package api

import (
	"bytes"
	"encoding"
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/supportledger/supportledger/domain/contract"
)

// encode writes an answer: compact, the same bytes for the same value always. A
// connection that is gone is no error: whoever was there will ask again.
func encode(w io.Writer, v any) error {
	text, err := json.Marshal(v, json.Deterministic(true), jsontext.EscapeForHTML(false))
	if err != nil {
		return err
	}
	_, _ = w.Write(text)
	return nil
}

// decode reads a request's body into v, strictly: exactly one JSON value of the
// right kinds, in valid UTF-8, every member known and there once. A member that
// is null is as good as absent. The error is a *Problem that names the member.
func decode(body []byte, v any) *Problem {
	switch begins := bytes.TrimLeft(body, " \t\r\n"); {
	case len(begins) == 0:
		return malformedBody("", "is missing")
	case begins[0] != '{':
		return malformedBody("", "is not a JSON object")
	}
	err := json.Unmarshal(body, v, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		return malformedMember(semantic)
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		where := fieldOf(syntactic.JSONPointer)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return malformedBody(where, "is there twice")
		}
		return malformedBody("", "is not JSON, from byte "+strconv.FormatInt(syntactic.ByteOffset, 10)+" on")
	}
	return malformedBody("", "is not JSON")
}

func malformedMember(err *json.SemanticError) *Problem {
	field := fieldOf(err.JSONPointer)
	if errors.Is(err, json.ErrUnknownName) {
		return malformedBody(field, "is not a member of this request")
	}
	if isID(field) {
		p := aField(contract.MalformedID, field, "must be a string of 6 to 20 digits", "enter every digit, leading zeros too")
		return p
	}
	return malformedBody(field, "must be "+wanted(err.GoType)+", not "+article(err.JSONKind))
}

// isID says whether a member carries an Access ID or a Contract ID (R1).
func isID(field string) bool {
	last := field[strings.LastIndexByte(field, '.')+1:]
	return last == "access_id" || last == "contract_id"
}

// wanted says in JSON's words what a member of a type must be.
func wanted(t reflect.Type) string {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return "of another kind"
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return "a string"
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.String:
		return "a string"
	}
	return "an object"
}

func article(kind jsontext.Kind) string {
	switch kind {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "this string"
	case '0':
		return "this number"
	case 't', 'f':
		return "true or false"
	}
	return "of this kind"
}

func malformedBody(field, reason string) *Problem {
	const hint = "compare the body with /docs and send the request again"
	if field == "" {
		return problem("malformed-body", "the body "+reason, hint)
	}
	return aField("malformed-body", field, reason, hint)
}

// fieldOf writes a JSON pointer as people write members: "payment.access_id",
// "attachments[0].name".
func fieldOf(pointer jsontext.Pointer) string {
	var b strings.Builder
	for part := range pointer.Tokens() {
		switch _, err := strconv.Atoi(part); {
		case err == nil:
			b.WriteString("[" + part + "]")
		case b.Len() == 0:
			b.WriteString(part)
		default:
			b.WriteString("." + part)
		}
	}
	return b.String()
}
