package awsapi

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"muster/internal/arn"
)

// Record is one call in CloudTrail's record form, version 1.08. Its JSON
// encoding is what audit logs hold.
type Record struct {
	EventVersion      string          `json:"eventVersion"`
	UserIdentity      Identity        `json:"userIdentity"`
	EventTime         time.Time       `json:"eventTime"`
	EventSource       string          `json:"eventSource"`
	EventName         string          `json:"eventName"`
	AWSRegion         arn.Region      `json:"awsRegion"`
	SourceIPAddress   string          `json:"sourceIPAddress"`
	UserAgent         string          `json:"userAgent"`
	ErrorCode         string          `json:"errorCode,omitempty"`
	ErrorMessage      string          `json:"errorMessage,omitempty"`
	RequestParameters json.RawMessage `json:"requestParameters"`
	ResponseElements  json.RawMessage `json:"responseElements"`
	RequestID         string          `json:"requestID"`
	EventID           string          `json:"eventID"`
	ReadOnly          bool            `json:"readOnly"`
	EventType         string          `json:"eventType"`
	ManagementEvent   bool            `json:"managementEvent"`
	// AdditionalEventData holds, for refusals by policies, the
	// encodedAuthorizationMessage that sts:DecodeAuthorizationMessage explains.
	AdditionalEventData map[string]string `json:"additionalEventData,omitempty"`
	RecipientAccountID  arn.AccountID     `json:"recipientAccountId,omitempty"`
	EventCategory       string            `json:"eventCategory"`
}

// Identity is who called.
type Identity struct {
	Type           string          `json:"type"`
	PrincipalID    string          `json:"principalId,omitempty"`
	ARN            arn.ARN         `json:"arn,omitempty"`
	AccountID      arn.AccountID   `json:"accountId,omitempty"`
	AccessKeyID    string          `json:"accessKeyId,omitempty"`
	UserName       string          `json:"userName,omitempty"`
	SessionContext *SessionContext `json:"sessionContext,omitempty"`
}

// SessionContext tells what temporary credentials stand for.
type SessionContext struct {
	SessionIssuer *SessionIssuer    `json:"sessionIssuer,omitempty"`
	Attributes    SessionAttributes `json:"attributes"`
	// SourceIdentity was set when the first role of a chain was assumed.
	SourceIdentity string `json:"sourceIdentity,omitempty"`
	// AssumedRoot is "true" for sessions as a member account's root user.
	AssumedRoot string `json:"assumedRoot,omitempty"`
}

// SessionAttributes tell when a session began.
type SessionAttributes struct {
	CreationDate     time.Time `json:"creationDate,omitzero"`
	MFAAuthenticated string    `json:"mfaAuthenticated"`
}

// SessionIssuer is the role behind an assumed-role session.
type SessionIssuer struct {
	Type        string        `json:"type"`
	PrincipalID string        `json:"principalId"`
	ARN         arn.ARN       `json:"arn"`
	AccountID   arn.AccountID `json:"accountId"`
	UserName    string        `json:"userName"`
}

// maxAudited bounds the parameters and the elements of a record each, in bytes;
// what is larger is named as omitted, as CloudTrail does.
const maxAudited = 100 << 10

// audit hands over the record of the call.
func (e *exchange) audit() {
	if e.door.config.Audit == nil {
		return
	}
	r := Record{
		EventVersion: "1.08", UserIdentity: e.identity(), EventTime: e.now.Truncate(time.Second), AWSRegion: e.region(),
		SourceIPAddress: e.call.SourceIP, UserAgent: shortened(e.call.UserAgent), RequestID: e.id, EventID: uuid(),
		EventType: "AwsApiCall", ManagementEvent: true, RecipientAccountID: e.call.Principal.Account, EventCategory: "Management",
	}
	if e.service != nil {
		r.EventSource = e.service.model.EventSource
	}
	if e.op != nil {
		r.EventName, r.ReadOnly = e.op.Name, e.op.ReadOnly
	}
	if e.refused != nil {
		r.ErrorCode, r.ErrorMessage = e.refused.code, shortened(e.refused.message)
	}
	if e.reason != "" {
		r.AdditionalEventData = map[string]string{"encodedAuthorizationMessage": e.reason}
	}
	if e.in != nil {
		r.RequestParameters = e.audited(e.op.Input, e.in)
	}
	if e.out != nil && !e.op.ReadOnly {
		r.ResponseElements = e.audited(e.op.Output, e.out)
	}
	e.door.config.Audit(r)
}

// reasonOf is the sealed reason of a refusal that has one.
func reasonOf(err error) string {
	if d, ok := errors.AsType[interface {
		error
		EncodedMessage() string
	}](err); ok {
		return d.EncodedMessage()
	}
	return ""
}

func (e *exchange) audited(shape int, value any) json.RawMessage {
	b, err := e.service.codec.AppendAudit(nil, shape, value)
	switch {
	case err != nil || len(b) > maxAudited:
		return json.RawMessage(`{"omitted":true}`)
	case string(b) == "{}":
		return nil
	}
	return b
}

func (e *exchange) identity() Identity {
	p := e.call.Principal
	if p.IsZero() {
		id := Identity{Type: "Unknown"}
		if e.sig != nil {
			id.AccessKeyID = shortened(e.sig.AccessKeyID)
		}
		return id
	}
	id := Identity{Type: string(p.Kind), PrincipalID: p.ID, ARN: p.ARN, AccountID: p.Account, AccessKeyID: p.AccessKeyID}
	switch p.Kind {
	case arn.User:
		id.UserName = lastPart(p.ARN)
	}
	id.SessionContext = sessionContext(p)
	return id
}

// sessionContext describes temporary credentials; nil for long-term keys.
func sessionContext(p arn.Principal) *SessionContext {
	if p.Session == nil && p.Kind != arn.AssumedRole {
		return nil
	}
	c := &SessionContext{Attributes: SessionAttributes{MFAAuthenticated: "false"}}
	if p.Kind == arn.AssumedRole {
		role, _, _ := strings.Cut(p.ID, ":")
		c.SessionIssuer = &SessionIssuer{Type: "Role", PrincipalID: role, ARN: p.RoleARN, AccountID: p.Account, UserName: lastPart(p.RoleARN)}
	}
	if s := p.Session; s != nil {
		c.Attributes.CreationDate, c.SourceIdentity = s.IssuedAt, s.SourceIdentity
		if s.Origin == arn.FromAssumeRoot {
			c.AssumedRoot = "true"
		}
	}
	return c
}

func lastPart(a arn.ARN) string { return string(a[strings.LastIndex(string(a), "/")+1:]) }

// shortened bounds texts that clients choose.
func shortened(s string) string {
	const most = 1024
	if len(s) <= most {
		return s
	}
	return s[:most]
}
