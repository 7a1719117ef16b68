package client

// Export is a findings report or an export of SBOMs.
type Export struct {
	ExportID     string     `json:"exportId"`
	Kind         string     `json:"kind"`
	Format       string     `json:"format"`
	Status       string     `json:"status"`
	BucketName   string     `json:"bucketName"`
	KeyPrefix    string     `json:"keyPrefix,omitempty"`
	CreatedAt    Timestamp  `json:"createdAt"`
	FinishedAt   *Timestamp `json:"finishedAt,omitempty"`
	ErrorCode    string     `json:"errorCode,omitempty"`
	ErrorMessage string     `json:"errorMessage,omitempty"`
}

// Exports is a page of ListExports.
type Exports struct {
	Exports   []Export `json:"exports"`
	NextToken string   `json:"nextToken,omitempty"`
}

// ExportObjects is a page of ListExportObjects.
type ExportObjects struct {
	Objects []struct {
		Key  string `json:"key"`
		Size int64  `json:"size"`
	} `json:"objects"`
	NextToken string `json:"nextToken,omitempty"`
}

// ExportInput is the input of operations on one export.
type ExportInput struct {
	ExportID  string `json:"exportId,omitempty"`
	Key       string `json:"key,omitempty"`
	Raw       bool   `json:"raw,omitempty"`
	NextToken string `json:"nextToken,omitempty"`
}

// ExportPiece is a piece of an object.
type ExportPiece struct {
	Content   []byte `json:"content"`
	Size      int64  `json:"size"`
	NextToken string `json:"nextToken,omitempty"`
}
