// Package sheet writes and reads the cells of files that people open in a
// spreadsheet, which takes a cell that begins with certain signs for a formula
// and runs it. Escape and Unescape are inverse to each other for every text.
package sheet

import "strings"

// Escape puts an apostrophe before a text that a spreadsheet would run. Numbers,
// also negative ones, stay as they are.
func Escape(text string) string {
	if isNumber(text) || !runs(strings.TrimLeft(text, "'")) {
		return text
	}
	return "'" + text
}

// Unescape takes the apostrophe away again.
func Unescape(cell string) string {
	rest, escaped := strings.CutPrefix(cell, "'")
	if escaped && runs(strings.TrimLeft(rest, "'")) {
		return rest
	}
	return cell
}

// runs says whether a spreadsheet may take a cell for something to be run.
func runs(text string) bool {
	return text != "" && strings.ContainsRune("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20", []rune(text)[0])
}

// isNumber says whether a text is a whole number with a sign or without.
func isNumber(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return digits != ""
}
