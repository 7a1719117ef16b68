package client

// The inputs and outputs of muster's own operations as they are on the wire.

// DiagnoseInput is the input of DiagnoseOrganization.
type DiagnoseInput struct {
	Regions                 []string `json:"regions,omitempty"`
	AllRegions              bool     `json:"allRegions,omitempty"`
	ResourceTypes           []string `json:"resourceTypes,omitempty"`
	DelegatedAdminAccountID string   `json:"delegatedAdminAccountId,omitempty"`
	NextToken               string   `json:"nextToken,omitempty"`
}

// Diagnosis is the output of DiagnoseOrganization.
type Diagnosis struct {
	AccountID           string            `json:"accountId"`
	Standing            string            `json:"standing"`
	OrganizationID      string            `json:"organizationId,omitempty"`
	ManagementAccountID string            `json:"managementAccountId,omitempty"`
	Problems            []Problem         `json:"problems"`
	Regions             []RegionDiagnosis `json:"regions"`
	NextToken           string            `json:"nextToken,omitempty"`
}

// RegionDiagnosis is the part about a Region.
type RegionDiagnosis struct {
	Region                  string    `json:"region"`
	Healthy                 bool      `json:"healthy"`
	DelegatedAdminAccountID string    `json:"delegatedAdminAccountId,omitempty"`
	AccountCount            int       `json:"accountCount"`
	MemberCount             int       `json:"memberCount"`
	Problems                []Problem `json:"problems"`
}

// Problem is one finding.
type Problem struct {
	Code         string   `json:"code"`
	Severity     string   `json:"severity"`
	Explanation  string   `json:"explanation"`
	AccountCount int      `json:"accountCount,omitempty"`
	AccountIDs   []string `json:"accountIds,omitempty"`
	Remedies     []Remedy `json:"remedies"`
}

// Remedy is a command that mends a problem.
type Remedy struct {
	Role      string `json:"role"`
	AccountID string `json:"accountId,omitempty"`
	Command   string `json:"command"`
}

// Target selects the accounts of a rollout.
type Target struct {
	AccountIDs  []string          `json:"accountIds,omitempty"`
	ParentIDs   []string          `json:"parentIds,omitempty"`
	NamePattern string            `json:"namePattern,omitempty"`
	States      []string          `json:"states,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
}

// StartRolloutInput is the input of StartRollout.
type StartRolloutInput struct {
	Action        string   `json:"action"`
	ResourceTypes []string `json:"resourceTypes"`
	Regions       []string `json:"regions,omitempty"`
	AllRegions    bool     `json:"allRegions,omitempty"`
	Associate     *bool    `json:"associate,omitempty"`
	ClientToken   string   `json:"clientToken,omitempty"`
	Target        *Target  `json:"target,omitempty"`
}

// Rollout is an order and how far it has come.
type Rollout struct {
	RolloutID     string          `json:"rolloutId"`
	Action        string          `json:"action"`
	ResourceTypes []string        `json:"resourceTypes"`
	Associate     bool            `json:"associate"`
	AccountCount  int             `json:"accountCount"`
	Status        string          `json:"status"`
	CreatedAt     float64         `json:"createdAt"`
	CompletedAt   float64         `json:"completedAt,omitempty"`
	Regions       []RolloutRegion `json:"regions"`
}

// RolloutRegion is an order's part in a Region.
type RolloutRegion struct {
	Region       string `json:"region"`
	Status       string `json:"status"`
	Processed    int    `json:"processed"`
	Succeeded    int    `json:"succeeded"`
	Failed       int    `json:"failed"`
	ErrorCode    string `json:"errorCode,omitempty"`
	ErrorMessage string `json:"errorMessage,omitempty"`
}

// RolloutID is the input of GetRollout and CancelRollout.
type RolloutID struct {
	RolloutID string `json:"rolloutId"`
}

// RolloutOutput is the output of StartRollout, GetRollout and CancelRollout.
type RolloutOutput struct {
	Rollout Rollout `json:"rollout"`
}

// Page is the input of lists without conditions.
type Page struct {
	NextToken string `json:"nextToken,omitempty"`
}

// Rollouts is the output of ListRollouts.
type Rollouts struct {
	Rollouts  []Rollout `json:"rollouts"`
	NextToken string    `json:"nextToken,omitempty"`
}

// ResultsInput is the input of ListRolloutResults.
type ResultsInput struct {
	RolloutID  string `json:"rolloutId"`
	Region     string `json:"region,omitempty"`
	AccountID  string `json:"accountId,omitempty"`
	OnlyFailed bool   `json:"onlyFailed,omitempty"`
	NextToken  string `json:"nextToken,omitempty"`
}

// Results is the output of ListRolloutResults.
type Results struct {
	Results   []Result `json:"results"`
	NextToken string   `json:"nextToken,omitempty"`
}

// Result is what became of an account in a Region.
type Result struct {
	Region       string           `json:"region"`
	AccountID    string           `json:"accountId"`
	Association  string           `json:"association,omitempty"`
	ErrorCode    string           `json:"errorCode,omitempty"`
	ErrorMessage string           `json:"errorMessage,omitempty"`
	Resources    []ResourceResult `json:"resources"`
}

// ResourceResult is what became of a scan type.
type ResourceResult struct {
	ResourceType string `json:"resourceType"`
	Outcome      string `json:"outcome"`
	ErrorCode    string `json:"errorCode,omitempty"`
	ErrorMessage string `json:"errorMessage,omitempty"`
	Status       string `json:"status,omitempty"`
}
