package projections

import (
	"context"
	"strings"
)

// A query is a SELECT that grows by conditions.
type query struct {
	text  strings.Builder
	args  []any
	where bool
}

func selecting(text string, args ...any) *query {
	q := &query{args: args}
	q.text.WriteString(text)
	return q
}

// and adds a condition.
func (q *query) and(condition string, args ...any) *query {
	word := " AND "
	if !q.where {
		word, q.where = " WHERE ", true
	}
	q.text.WriteString(word)
	q.text.WriteString("(" + condition + ")")
	q.args = append(q.args, args...)
	return q
}

// equal adds the condition that a column has a value, unless that is "".
func (q *query) equal(column, value string) *query {
	if value != "" {
		q.and(column+" = ?", value)
	}
	return q
}

// then adds what follows the conditions.
func (q *query) then(text string, args ...any) *query {
	q.text.WriteString(" " + text)
	q.args = append(q.args, args...)
	return q
}

// page reads rows until a page is full, and says whether there are more. take
// returns false for a row that does not belong to the list after all. Reading
// stops where a LIMIT could have stood: SQLite plans a statement anew each time
// whose LIMIT is an argument, which takes longer than to answer it.
func page[T any](ctx context.Context, v *view, q *query, limit int, take func(scan func(...any) error, item *T) (bool, error)) ([]T, bool, error) {
	items, more := []T{}, false
	err := v.walk(ctx, q.text.String(), q.args, limit+1, func(scan func(...any) error) (bool, error) {
		var item T
		belongs, err := take(scan, &item)
		if err != nil || !belongs {
			return true, err
		}
		if len(items) == limit {
			more = true
			return false, nil
		}
		items = append(items, item)
		return true, nil
	})
	return items, more, err
}
