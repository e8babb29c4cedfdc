package tidy

import (
	"bytes"
	"fmt"
)

// machines are the traces of a machine or of the way something was fetched: they
// mean nothing to whoever clones the house. They are written in two halves here,
// since this file is read as well.
var machines = []string{"/wo" + "rk/", "/tmp/bash" + "_jobs", "proxy.golang" + ".org"}

// Text looks for traces of a machine in any committed file that is text.
func Text(path string, content []byte) (found []Finding) {
	if bytes.IndexByte(content[:min(len(content), 8000)], 0) >= 0 {
		return nil // not text
	}
	for number, line := range bytes.Split(content, []byte("\n")) {
		for _, trace := range machines {
			if bytes.Contains(line, []byte(trace)) {
				found = append(found, Finding{path, number + 1, fmt.Sprintf("%s is somebody's machine and means nothing to others", trace)})
			}
		}
	}
	return found
}
