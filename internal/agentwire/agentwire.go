// Package agentwire is what muster's agent and server say to each other: the
// JSON requests and answers, their bounds, and the signature that proves which
// host speaks.
//
// An agent enrols once with an activation code and the public half of a key it
// made itself; from then on every request carries that key's signature
// (signature.go). Requests go to three paths, all POST, all JSON, optionally
// gzip-compressed. Unknown members are ignored, so that older servers
// understand newer agents.
package agentwire

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"muster/internal/inventory"
)

// Paths of the agent interface, below the server's address.
const (
	PathEnroll = "/agent/v1/enroll"
	PathReport = "/agent/v1/report"
)

// Bounds of a request. A body is refused before it is parsed when it is larger
// than MaxCompressed on the wire or MaxBody when decompressed, both in bytes.
const (
	MaxBody           = 64 << 20
	MaxCompressed     = 16 << 20
	MaxEnrollBody     = 64 << 10
	MaxLabel          = 128
	MaxActivationCode = 256
	MaxAgentVersion   = 64
	maxViolations     = 20
	maxMembers        = 100
)

// HostID names an enrolled host the way EC2 names an instance: "i-" and 17
// lower-case hexadecimal digits, or 8 in old accounts. The server chooses it.
type HostID string

// ParseHostID accepts exactly the form of HostID.
func ParseHostID(s string) (HostID, error) {
	rest, ok := strings.CutPrefix(s, "i-")
	if !ok || len(rest) != 17 && len(rest) != 8 || !isHex(rest) {
		return "", fmt.Errorf("host id %q: want i- and 17 (or 8) hexadecimal digits", clip(s))
	}
	return HostID(s), nil
}

// EnrollRequest asks for a host identity. It is signed like every other
// request, with host id NewHost and sequence 0, by the key that it carries:
// the proof that the sender holds the private half.
type EnrollRequest struct {
	// ActivationCode decides account and Region.
	ActivationCode string `json:"activationCode"`
	// PublicKey is an Ed25519 public key of 32 bytes, base64 on the wire.
	PublicKey []byte `json:"publicKey"`
	// Label is what people call the host; by default its host name.
	Label string `json:"label"`
	// MachineIDHash is the hexadecimal SHA-256 that recognises the machine
	// when it enrols again; empty where it has no machine id.
	MachineIDHash string `json:"machineIdHash,omitempty"`
	// OS summarises the operating system.
	OS OS `json:"os"`
	// AgentVersion is the agent program's version.
	AgentVersion string `json:"agentVersion"`
}

// EnrollResponse is the host's new identity.
type EnrollResponse struct {
	HostID    HostID `json:"hostId"`
	AccountID string `json:"accountId"`
	Region    string `json:"region"`
	// ServerTime lets the agent tell a wrong clock from a wrong signature.
	ServerTime time.Time `json:"serverTime"`
	// ReportIntervalSeconds is how often the agent reports when nothing
	// changes.
	ReportIntervalSeconds int `json:"reportIntervalSeconds"`
}

// Report is one report of a host on itself. Without Inventory it is a
// heartbeat: the host still carries the inventory of that hash.
type Report struct {
	HostID HostID
	// Sequence repeats the signature's.
	Sequence int64
	// CollectedAt is when the packages were looked at.
	CollectedAt time.Time
	// AgentVersion is the agent program's version.
	AgentVersion string
	// InventoryHash is inventory.Inventory.Hash of what is installed.
	InventoryHash string
	// Inventory is the content, or nil in a heartbeat.
	Inventory *inventory.Inventory
	// Delta is the content as a difference, instead of Inventory.
	Delta *Delta
	// Stopping says that the machine is shutting down: no more reports come
	// until it is started again.
	Stopping bool
	// EvidenceHash is Evidence.Hash of what the host says about itself, ""
	// from agents that say nothing. Evidence is the content, or nil if the
	// server is thought to have it.
	EvidenceHash string
	Evidence     *Evidence
}

// SignedBy refuses a report that speaks for another host than its signature,
// or under another sequence number.
func (r *Report) SignedBy(s Signature) error {
	if r.HostID != s.Host {
		return fmt.Errorf("report of host %s is signed by host %s", clip(string(r.HostID)), s.Host)
	}
	if r.Sequence != s.Sequence {
		return fmt.Errorf("report has sequence %d, its signature %d", r.Sequence, s.Sequence)
	}
	return nil
}

// ReportResponse answers a report.
type ReportResponse struct {
	// Accepted says that the report is stored; false with NeedInventory.
	Accepted bool `json:"accepted"`
	// NeedInventory says that the server does not know the hash of a
	// heartbeat: the agent sends the content at once.
	NeedInventory bool `json:"needInventory"`
	// BaseHash accompanies NeedInventory: the inventory that the server last
	// had of the host, from which a Delta may start; "" if it has none.
	BaseHash string `json:"baseHash,omitempty"`
	// RotateKey asks the agent for another key.
	RotateKey bool `json:"rotateKey,omitempty"`
	// NeedEvidence says that the server has other evidence of the host than
	// the report names: the agent reports again, with the content.
	NeedEvidence bool `json:"needEvidence,omitempty"`
	// NextReportSeconds is when the agent reports again at the latest.
	NextReportSeconds int `json:"nextReportSeconds"`
	// DeepInspection accompanies Accepted: where the account wants language
	// packages to be looked for. Servers that know nothing of it leave it out,
	// and the agent goes on as before.
	DeepInspection *DeepInspection `json:"deepInspection,omitempty"`
}

// ErrorCode says what kind of refusal an ErrorResponse is, so that the agent
// knows whether to try again, to give up or to ask for a new activation.
type ErrorCode string

// Refusals, each with the HTTP status that carries it.
const (
	CodeBadRequest       ErrorCode = "BadRequest"         // 400: malformed, or breaks a bound
	CodeBadSignature     ErrorCode = "BadSignature"       // 401: unknown host, wrong key, changed request
	CodeClockSkew        ErrorCode = "ClockSkew"          // 401: the clocks differ by more than MaxSkew
	CodeRevoked          ErrorCode = "HostRevoked"        // 403: the host was deregistered
	CodeActivation       ErrorCode = "ActivationRefused"  // 403: code unknown, expired, used up or revoked
	CodeSequence         ErrorCode = "SequenceTooLow"     // 409: replayed, or the agent's state was restored
	CodeTooLarge         ErrorCode = "RequestTooLarge"    // 413
	CodeAgentTooOld      ErrorCode = "AgentTooOld"        // 426: the agent must be upgraded
	CodeAgentTooNew      ErrorCode = "AgentTooNew"        // 501: the server must be upgraded
	CodeUnavailable      ErrorCode = "ServiceUnavailable" // 503: try again later
	CodeInternal         ErrorCode = "InternalError"      // 500: try again later
	CodeMethodNotAllowed ErrorCode = "MethodNotAllowed"   // 405
	CodeNotFound         ErrorCode = "NotFound"           // 404
)

// ErrorResponse is the body of every answer that is not 200.
type ErrorResponse struct {
	Code    ErrorCode `json:"code"`
	Message string    `json:"message"`
	// ServerTime accompanies ClockSkew.
	ServerTime *time.Time `json:"serverTime,omitempty"`
	// LastSequence accompanies SequenceTooLow: the highest the server has
	// seen. A host whose state was restored from a backup continues there.
	LastSequence int64 `json:"lastSequence,omitempty"`
}

// InvalidError names everything that is wrong with a request.
type InvalidError struct{ Violations []string }

func (e *InvalidError) Error() string {
	if len(e.Violations) == 1 {
		return e.Violations[0]
	}
	return fmt.Sprintf("%d problems: %s", len(e.Violations), strings.Join(e.Violations, "; "))
}

var machineHash = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Validate checks everything that can be checked without knowing the
// activation; the error is an *InvalidError.
func (r *EnrollRequest) Validate() error {
	var bad []string
	if r.ActivationCode == "" || len(r.ActivationCode) > MaxActivationCode || !printable(r.ActivationCode) {
		bad = append(bad, fmt.Sprintf("activationCode: want 1 to %d printable bytes", MaxActivationCode))
	}
	if len(r.PublicKey) != 32 {
		bad = append(bad, fmt.Sprintf("publicKey: %d bytes, an Ed25519 key has 32", len(r.PublicKey)))
	}
	if len(r.Label) > MaxLabel || !printable(r.Label) {
		bad = append(bad, fmt.Sprintf("label: want at most %d printable bytes", MaxLabel))
	}
	if r.MachineIDHash != "" && !machineHash.MatchString(r.MachineIDHash) {
		bad = append(bad, "machineIdHash: want 64 hexadecimal digits")
	}
	if len(r.AgentVersion) > MaxAgentVersion || !printable(r.AgentVersion) {
		bad = append(bad, fmt.Sprintf("agentVersion: want at most %d printable bytes", MaxAgentVersion))
	}
	inv := inventory.Inventory{OS: r.OS.inventory()}
	bad = append(bad, inv.Violations(inventory.DefaultLimits(), maxViolations)...)
	if len(bad) > 0 {
		return &InvalidError{bad}
	}
	return nil
}
