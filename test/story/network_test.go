package story

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// ownCommand: own PROFILE OPERATION JSON calls an operation of muster's own;
// with "!" it must be refused.
func ownCommand(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	var out json.RawMessage
	err := w.musterCall(args[0], args[1], json.RawMessage(args[2]), &out)
	if (err != nil) != neg {
		ts.Fatalf("own %v: %v", args, err)
	}
	if w.stdout = string(out); err != nil {
		w.stdout = err.Error()
	}
}

// untilOwnCommand: untilown PATTERN PROFILE OPERATION JSON repeats a call of
// muster's own until its answer matches; after "!" in the pattern until it
// does not.
func untilOwnCommand(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	pattern, neg := strings.CutPrefix(args[0], "!")
	re := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(patience); ; {
		var out json.RawMessage
		err := w.musterCall(args[1], args[2], json.RawMessage(args[3]), &out)
		if err == nil && re.Match(out) != neg {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("untilown %v: the last answer is %s %v", args, out, err)
		}
	}
}

// factsCommand: facts PROFILE ACCOUNT FILE… uploads describe answers of an
// account in one call; with "!" that must be refused.
func factsCommand(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	var files []map[string]any
	for _, name := range args[2:] {
		files = append(files, map[string]any{"name": name, "content": []byte(ts.ReadFile(name))})
	}
	var out json.RawMessage
	err := w.musterCall(args[0], "UploadNetworkFacts", map[string]any{"accountId": args[1], "files": files}, &out)
	if (err != nil) != neg {
		ts.Fatalf("facts %v: %v", args, err)
	}
	if w.stdout = string(out); err != nil {
		w.stdout = err.Error()
	}
}
