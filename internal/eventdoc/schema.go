package eventdoc

import (
	"fmt"
	"iter"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/domain/programcase"
)

// Dialect is the JSON Schema that schemas are written in.
const Dialect = "https://json-schema.org/draft/2020-12/schema"

// leaves are the types that are written as one value, and how.
var leaves = map[reflect.Type]object{
	reflect.TypeFor[time.Time]():    {{"type", "string"}, {"format", "date-time"}},
	reflect.TypeFor[uuid.UUID]():    {{"type", "string"}, {"format", "uuid"}},
	reflect.TypeFor[catalog.Date](): {{"type", "string"}, {"format", "date"}},
	reflect.TypeFor[contract.Number](): {
		{"type", "string"}, {"pattern", "^[0-9]{15}$"}, {"description", "The incident's number."},
	},
	reflect.TypeFor[contract.GrantID](): {
		{"type", "string"}, {"pattern", "^g[1-9][0-9]*$"}, {"description", "A grant of the contract; g1 is its first."},
	},
	reflect.TypeFor[contract.Unit](): {{"enum", []any{contract.Incident, contract.Minute}}},
	reflect.TypeFor[partner.Kind]():  {{"enum", []any{partner.KindCore, partner.KindSignature}}},
	reflect.TypeFor[programcase.Kind](): {{"enum", []any{
		programcase.RequestIDs, programcase.RequestActivation, programcase.Other,
	}}},
	reflect.TypeFor[contract.Source](): {{"enum", []any{contract.Included, contract.Bought, contract.Added}}},
	reflect.TypeFor[contract.Status](): {{"enum", []any{
		contract.StatusRegistered, contract.StatusWaiting, contract.StatusActive,
		contract.StatusSuspended, contract.StatusExpired, contract.StatusCancelled,
	}}},
}

// PersonalNote describes personal texts, whatever they are.
const PersonalNote = "Personal: left out unless the subscriber may read it; erased once the person was forgotten."

// schema is the JSON Schema of an event as subscribers see it. Every member that
// can ever be there is described, and no other is allowed: a new shape is a new
// version of the type.
func schema(e domain.Event, texts *Comments) (object, error) {
	kind := reflect.TypeOf(e).Elem()
	shape, err := structure(kind, texts)
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", e.Name(), err)
	}
	head := object{{"$schema", Dialect}, {"$id", "urn:supportledger:event:" + e.Name()}, {"title", e.Name()}}
	if meaning := texts.Type(kind); meaning != "" {
		head = append(head, member{"description", meaning})
	}
	return append(head, shape...), nil
}

// structure describes a struct as an object.
func structure(kind reflect.Type, texts *Comments) (object, error) {
	properties, required := object{}, []string{}
	for field := range fields(kind) {
		schema, err := value(field.Type, field.optional, texts)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", field.name, err)
		}
		if comment := texts.Field(kind, field.Name); comment != "" {
			schema = schema.with("description", comment)
		}
		properties = append(properties, member{field.name, schema})
		if !field.optional && !sealed(field.Type) {
			required = append(required, field.name)
		}
	}
	out := object{{"type", "object"}, {"properties", properties}}
	if len(required) > 0 {
		out = append(out, member{"required", required})
	}
	return append(out, member{"additionalProperties", false}), nil
}

// value describes what a member holds; one that is not optional and points to
// something may be null.
func value(kind reflect.Type, optional bool, texts *Comments) (object, error) {
	if leaf, ok := leaves[kind]; ok {
		return leaf, nil
	}
	switch kind.Kind() {
	case reflect.String:
		return object{{"type", "string"}}, nil
	case reflect.Bool:
		return object{{"type", "boolean"}}, nil
	case reflect.Int, reflect.Int64:
		return object{{"type", "integer"}}, nil
	case reflect.Slice:
		items, err := value(kind.Elem(), true, texts)
		return object{{"type", "array"}, {"items", items}}, err
	case reflect.Pointer:
		inner, err := value(kind.Elem(), optional, texts)
		if inner.get("type") != nil && !optional {
			inner = inner.with("type", []any{inner.get("type"), "null"})
		}
		return inner, err
	case reflect.Struct:
		if sealed(kind) {
			return personal(kind, texts)
		}
		return structure(kind, texts)
	}
	return nil, fmt.Errorf("nobody has said how a %s is described", kind)
}

// sealed says whether a type holds personal texts.
func sealed(kind reflect.Type) bool {
	return reflect.PointerTo(kind).Implements(reflect.TypeFor[domain.Personal]())
}

// personal describes personal texts: as they were opened, or erased.
func personal(kind reflect.Type, texts *Comments) (object, error) {
	clear, _ := kind.FieldByName("Clear")
	opened, err := structure(clear.Type.Elem(), texts)
	return object{{"description", PersonalNote}, {"oneOf", []any{opened, object{{"const", domain.ErasedText}}}}}, err
}

// A field is a member as subscribers see it.
type field struct {
	reflect.StructField
	name     string // in JSON
	optional bool
}

// fields yields what is written of a struct. Bytes are ciphertext and are not
// (R3).
func fields(kind reflect.Type) iter.Seq[field] {
	return func(yield func(field) bool) {
		for i := range kind.NumField() {
			f := kind.Field(i)
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" || name == "-" || f.Type == reflect.TypeFor[[]byte]() {
				continue
			}
			if !yield(field{f, name, strings.Contains(options, "omit")}) {
				return
			}
		}
	}
}
