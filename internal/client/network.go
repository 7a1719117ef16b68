package client

// UploadNetworkFactsInput is the input of UploadNetworkFacts.
type UploadNetworkFactsInput struct {
	AccountID  string        `json:"accountId,omitempty"`
	Region     string        `json:"region,omitempty"`
	UploadID   string        `json:"uploadId,omitempty"`
	Files      []NetworkFile `json:"files"`
	Incomplete bool          `json:"incomplete,omitempty"`
}

// NetworkFile is a file of describe answers, or a part of one.
type NetworkFile struct {
	Name    string `json:"name"`
	Part    int    `json:"part"`
	Content []byte `json:"content"`
}

// UploadNetworkFactsOutput is the output of UploadNetworkFacts.
type UploadNetworkFactsOutput struct {
	UploadID string           `json:"uploadId"`
	Complete bool             `json:"complete"`
	Changed  bool             `json:"changed"`
	Snapshot *NetworkSnapshot `json:"snapshot,omitempty"`
}

// NetworkSnapshot is what a server knows of an account's networks in a Region.
type NetworkSnapshot struct {
	AccountID  string  `json:"accountId"`
	Region     string  `json:"region"`
	Digest     string  `json:"digest,omitempty"`
	Source     string  `json:"source,omitempty"`
	StoredAt   float64 `json:"storedAt,omitempty"`
	VPCs       int64   `json:"vpcs"`
	Interfaces int64   `json:"interfaces"`
	Instances  int64   `json:"instances"`
}
