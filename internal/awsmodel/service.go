package awsmodel

import "context"

// Protocol is a service's way to put shapes on the wire.
type Protocol string

// The protocols that muster speaks.
const (
	RESTJSON Protocol = "rest-json"
	JSON11   Protocol = "json"
	Query    Protocol = "query"
	// EC2 is the query protocol with lists that number their elements without
	// "member", and envelopes of its own.
	EC2 Protocol = "ec2"
)

// Form reports whether requests are forms and answers XML.
func (p Protocol) Form() bool { return p == Query || p == EC2 }

// Model is the description of a service, without behaviour. It is a constant
// table: nobody changes it.
type Model struct {
	// Name is the package's name; SigningName is the service in credential
	// scopes and the prefix of IAM actions, such as "inspector-scan".
	Name, SigningName string
	// EventSource is the service in audit records, such as "iam.amazonaws.com".
	EventSource string
	// Version is the date of the interface, such as "2020-06-08".
	Version  string
	Protocol Protocol
	// TargetPrefix stands before the dot of X-Amz-Target in JSON 1.1.
	TargetPrefix string
	// XMLNamespace is the namespace of query replies.
	XMLNamespace string
	// Global services have no Region of their own.
	Global bool
	Shapes []Shape
	// Exceptions lists the indexes of the error shapes.
	Exceptions []int
}

// Service is a model with the operations that somebody has implemented.
type Service struct {
	Model      *Model
	Operations []Operation
}

// Operation is one operation of a service.
type Operation struct {
	// Service is the signing name of the operation's service.
	Service string
	// Name is the operation's name, such as "ListFindings".
	Name string
	// Method and Path are the HTTP binding; Path may hold {parameters}.
	Method, Path string
	// Status is the HTTP status of success.
	Status int
	// Input and Output are indexes of shapes.
	Input, Output int
	// ResultWrapper is the element around the output in query replies; empty
	// when the model declares no output.
	ResultWrapper string
	// NoOutput is true when the model declares no output.
	NoOutput bool
	// Unsigned operations need no signature.
	Unsigned bool
	// ReadOnly operations change nothing, as audit records say.
	ReadOnly bool
	// Errors lists the names of the declared exceptions.
	Errors []string
	// InputToken, OutputToken and Limit name the paging members, if any.
	InputToken, OutputToken, Limit string
	// NewInput returns a pointer to a new, empty input.
	NewInput func() any
	// Invoke runs the operation; nil means that muster does not implement it.
	Invoke func(ctx context.Context, call *Call, in any) (any, error)
}

// Action is the operation as IAM policies name it, such as "iam:GetRole".
func (o *Operation) Action() string { return o.Service + ":" + o.Name }

// Invoker adapts a typed handler to an Operation. It returns nil for nil.
func Invoker[I, O any](f func(context.Context, *Call, *I) (*O, error)) func(context.Context, *Call, any) (any, error) {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, call *Call, in any) (any, error) {
		out, err := f(ctx, call, in.(*I))
		if err != nil {
			return nil, err
		}
		return out, nil
	}
}
