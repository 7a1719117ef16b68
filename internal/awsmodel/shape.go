package awsmodel

// Kind is the type of a shape.
type Kind uint8

// The kinds of shapes that the models use.
const (
	Structure Kind = iota
	List
	Map
	String
	Integer
	Long
	Double
	Boolean
	Timestamp
	Blob
	// Document is any JSON value, kept as its text.
	Document
)

// Shape describes one type of a service: its members and its constraints. The
// Go type of a shape follows from the shape by the rules that modelgen
// implements; a structure's fields stand in the order of its Members.
type Shape struct {
	// Name is the model's own name, such as "FilterCriteria".
	Name string
	Kind Kind
	// Members of a Structure, in the order of the Go struct's fields.
	Members []Member
	// Elem is the index of a List's element or a Map's value; Key that of a
	// Map's key.
	Elem, Key int
	// Min and Max bound a number's value, a string's length in characters, or
	// the size of a List, Map or Blob, where HasMin and HasMax say so.
	Min, Max       float64
	HasMin, HasMax bool
	// Pattern is the model's own pattern, for messages. Match is the same in
	// Go's syntax, anchored; NotMatch, where it is not empty, must not match.
	// NotMatch stands for the look-aheads that Go's syntax has no form for.
	Pattern, Match, NotMatch string
	// Enum lists a String's allowed values; nil means any.
	Enum []string
	// Sensitive values are never echoed, in messages or in the audit log.
	Sensitive bool
	// Union structures must have exactly one member set.
	Union bool
}

// Member is one member of a structure.
type Member struct {
	// Name is the name on the wire.
	Name string
	// Shape is the index of the member's shape in its Model.
	Shape    int
	Required bool
	Location Location
	// LocationName is the name of the header, query parameter or path
	// parameter of a member that is not in the body.
	LocationName string
	// IdempotencyToken marks the member that makes a retry harmless.
	IdempotencyToken bool
}

// Location is where a member travels.
type Location uint8

// The places of a member in a message.
const (
	InBody Location = iota
	InPath
	InQuery
	InHeader
)
