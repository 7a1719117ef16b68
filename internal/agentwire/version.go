package agentwire

import (
	"fmt"
	"net/http"
	"strconv"
)

// Version numbers what agents and servers of a time say to each other. A
// server understands all from OldestVersion to Version; members that are
// unknown are passed over within one.
//
//	1  whole inventories
//	2  differences of inventories, evidence, new keys
const (
	Version       = 2
	OldestVersion = 1
)

// VersionHeader tells the protocol of a request; without it it is 1.
const VersionHeader = "Muster-Agent-Protocol"

// CheckVersion says in words why a server cannot serve a request's agent, and
// by which code it is refused; "" if it can.
func CheckVersion(h http.Header) (ErrorCode, string) {
	text := h.Get(VersionHeader)
	if text == "" {
		return "", ""
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || n < 1:
		return CodeBadRequest, fmt.Sprintf("The header %s is %q: want a number.", VersionHeader, clip(text))
	case n < OldestVersion:
		return CodeAgentTooOld, fmt.Sprintf("This agent speaks protocol %d, the server %d to %d: install a newer muster-agent; its key and state are kept.", n, OldestVersion, Version)
	case n > Version:
		return CodeAgentTooNew, fmt.Sprintf("This agent speaks protocol %d, the server %d to %d: upgrade the server, or install the muster-agent of its version.", n, OldestVersion, Version)
	}
	return "", ""
}
