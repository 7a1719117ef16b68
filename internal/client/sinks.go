package client

import "time"

// Sink is a place that events go to.
type Sink struct {
	SinkID              string     `json:"sinkId"`
	Name                string     `json:"name"`
	Kind                string     `json:"kind"`
	Format              string     `json:"format"`
	URL                 string     `json:"url"`
	Region              string     `json:"region,omitempty"`
	Organization        bool       `json:"organization"`
	Status              string     `json:"status"`
	DetailTypes         []string   `json:"detailTypes,omitempty"`
	Subject             string     `json:"subject,omitempty"`
	EventBusName        string     `json:"eventBusName,omitempty"`
	SigningRegion       string     `json:"signingRegion,omitempty"`
	Source              string     `json:"source,omitempty"`
	Delivered           int64      `json:"delivered"`
	Waiting             int64      `json:"waiting"`
	DeadLetters         int64      `json:"deadLetters"`
	LagSeconds          int64      `json:"lagSeconds"`
	ConsecutiveFailures int64      `json:"consecutiveFailures,omitempty"`
	LastError           string     `json:"lastError,omitempty"`
	LastDeliveredAt     *Timestamp `json:"lastDeliveredAt,omitempty"`
	LastFailedAt        *Timestamp `json:"lastFailedAt,omitempty"`
	RetryAt             *Timestamp `json:"retryAt,omitempty"`
}

// Timestamp is a time as JSON 1.1 writes it: seconds since 1970.
type Timestamp float64

// Time is the time.
func (t Timestamp) Time() time.Time { return time.UnixMilli(int64(t * 1000)).UTC() }

// SinkCredentials are what muster logs in to a sink with.
type SinkCredentials struct {
	User            string `json:"user,omitempty"`
	Password        string `json:"password,omitempty"`
	Token           string `json:"token,omitempty"`
	AccessKeyID     string `json:"accessKeyId,omitempty"`
	SecretAccessKey string `json:"secretAccessKey,omitempty"`
}

// CreateSinkInput is the input of CreateSink.
type CreateSinkInput struct {
	Name          string           `json:"name"`
	Kind          string           `json:"kind"`
	URL           string           `json:"url"`
	Format        string           `json:"format,omitempty"`
	AllRegions    bool             `json:"allRegions,omitempty"`
	Organization  bool             `json:"organization,omitempty"`
	DetailTypes   []string         `json:"detailTypes,omitempty"`
	Subject       string           `json:"subject,omitempty"`
	EventBusName  string           `json:"eventBusName,omitempty"`
	SigningRegion string           `json:"signingRegion,omitempty"`
	Source        string           `json:"source,omitempty"`
	Credentials   *SinkCredentials `json:"credentials,omitempty"`
}

// UpdateSinkInput is the input of UpdateSink.
type UpdateSinkInput struct {
	SinkID              string           `json:"sinkId"`
	Status              string           `json:"status,omitempty"`
	URL                 string           `json:"url,omitempty"`
	DetailTypes         []string         `json:"detailTypes,omitempty"`
	Credentials         *SinkCredentials `json:"credentials,omitempty"`
	RotateSigningSecret bool             `json:"rotateSigningSecret,omitempty"`
}

// SinkOutput is the output of CreateSink and UpdateSink.
type SinkOutput struct {
	Sink Sink `json:"sink"`
	// SigningSecret is told once.
	SigningSecret string `json:"signingSecret,omitempty"`
}

// Sinks is a page of ListSinks.
type Sinks struct {
	Sinks     []Sink `json:"sinks"`
	NextToken string `json:"nextToken,omitempty"`
}

// SinkID is the input of operations on one sink.
type SinkID struct {
	SinkID    string  `json:"sinkId"`
	NextToken string  `json:"nextToken,omitempty"`
	Positions []int64 `json:"positions,omitempty"`
}

// SinkTest is the output of TestSink.
type SinkTest struct {
	Delivered            bool   `json:"delivered"`
	Error                string `json:"error,omitempty"`
	DurationMilliseconds int64  `json:"durationMilliseconds"`
}

// DeadLetters is a page of ListDeadLetters.
type DeadLetters struct {
	DeadLetters []DeadLetter `json:"deadLetters"`
	NextToken   string       `json:"nextToken,omitempty"`
}

// DeadLetter is an event that a sink did not take.
type DeadLetter struct {
	Position   int64     `json:"position"`
	EventID    string    `json:"eventId"`
	AccountID  string    `json:"accountId"`
	Region     string    `json:"region"`
	DetailType string    `json:"detailType"`
	Resources  []string  `json:"resources"`
	Time       Timestamp `json:"time"`
	GivenUpAt  Timestamp `json:"givenUpAt"`
	Attempts   int64     `json:"attempts"`
	Error      string    `json:"error"`
	Detail     string    `json:"detail"`
}

// Redriven is the output of RedriveDeadLetters.
type Redriven struct {
	Redriven int64 `json:"redriven"`
}
