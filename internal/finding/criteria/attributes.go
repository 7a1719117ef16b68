package criteria

// The criteria over texts.
const (
	FindingARN             Attribute = "findingArn"
	AccountID              Attribute = "awsAccountId"
	FindingType            Attribute = "findingType"
	Severity               Attribute = "severity"
	FindingStatus          Attribute = "findingStatus"
	Title                  Attribute = "title"
	ResourceType           Attribute = "resourceType"
	ResourceID             Attribute = "resourceId"
	InstanceImageID        Attribute = "ec2InstanceImageId"
	InstanceVPC            Attribute = "ec2InstanceVpcId"
	InstanceSubnet         Attribute = "ec2InstanceSubnetId"
	ImageArchitecture      Attribute = "ecrImageArchitecture"
	ImageRegistry          Attribute = "ecrImageRegistry"
	ImageRepository        Attribute = "ecrImageRepositoryName"
	ImageTags              Attribute = "ecrImageTags"
	ImageHash              Attribute = "ecrImageHash"
	NetworkProtocol        Attribute = "networkProtocol"
	ComponentID            Attribute = "componentId"
	ComponentType          Attribute = "componentType"
	VulnerabilityID        Attribute = "vulnerabilityId"
	VulnerabilitySource    Attribute = "vulnerabilitySource"
	VendorSeverity         Attribute = "vendorSeverity"
	RelatedVulnerabilities Attribute = "relatedVulnerabilities"
	FixAvailable           Attribute = "fixAvailable"
	FunctionName           Attribute = "lambdaFunctionName"
	FunctionLayers         Attribute = "lambdaFunctionLayers"
	FunctionRuntime        Attribute = "lambdaFunctionRuntime"
	FunctionRole           Attribute = "lambdaFunctionExecutionRoleArn"
	ExploitAvailable       Attribute = "exploitAvailable"
	DetectorName           Attribute = "codeVulnerabilityDetectorName"
	DetectorTags           Attribute = "codeVulnerabilityDetectorTags"
	CodeFilePath           Attribute = "codeVulnerabilityFilePath"
	ProjectName            Attribute = "codeRepositoryProjectName"
	ProviderType           Attribute = "codeRepositoryProviderType"
)

// The criteria over times.
const (
	FirstObservedAt      Attribute = "firstObservedAt"
	LastObservedAt       Attribute = "lastObservedAt"
	UpdatedAt            Attribute = "updatedAt"
	ImagePushedAt        Attribute = "ecrImagePushedAt"
	ImageLastInUseAt     Attribute = "ecrImageLastInUseAt"
	FunctionLastModified Attribute = "lambdaFunctionLastModifiedAt"
)

// The criteria over numbers.
const (
	InspectorScore  Attribute = "inspectorScore"
	EPSSScore       Attribute = "epssScore"
	ImageInUseCount Attribute = "ecrImageInUseCount"
)

// The texts of a package filter.
const (
	PackageName         Attribute = "name"
	PackageVersion      Attribute = "version"
	PackageRelease      Attribute = "release"
	PackageArchitecture Attribute = "architecture"
	PackageLayer        Attribute = "sourceLayerHash"
	PackageLambdaLayer  Attribute = "sourceLambdaLayerArn"
	PackagePath         Attribute = "filePath"
)

// StringAttributes lists the criteria over texts, each with the only values
// that its attribute can have, where they are enumerated.
func StringAttributes() map[Attribute][]string {
	// AWS_ECR_INSTANCE is no type, but the AWS CLI's published example makes a
	// filter for it.
	types := []string{"AWS_EC2_INSTANCE", "AWS_ECR_CONTAINER_IMAGE", "AWS_ECR_REPOSITORY", "AWS_LAMBDA_FUNCTION", "CODE_REPOSITORY", "AWS_ECR_INSTANCE"}
	return map[Attribute][]string{
		FindingARN: nil, AccountID: nil, Title: nil, ResourceID: nil,
		FindingType:     {"NETWORK_REACHABILITY", "PACKAGE_VULNERABILITY", "CODE_VULNERABILITY"},
		Severity:        severities(),
		FindingStatus:   {"ACTIVE", "SUPPRESSED", "CLOSED"},
		ResourceType:    types,
		InstanceImageID: nil, InstanceVPC: nil, InstanceSubnet: nil,
		ImageArchitecture: nil, ImageRegistry: nil, ImageRepository: nil, ImageTags: nil, ImageHash: nil,
		NetworkProtocol: {"TCP", "UDP"}, ComponentID: nil, ComponentType: nil,
		VulnerabilityID: nil, VulnerabilitySource: nil, VendorSeverity: nil, RelatedVulnerabilities: nil,
		FixAvailable: {"YES", "NO", "PARTIAL"}, ExploitAvailable: {"YES", "NO"},
		FunctionName: nil, FunctionLayers: nil, FunctionRuntime: nil, FunctionRole: nil,
		DetectorName: nil, DetectorTags: nil, CodeFilePath: nil,
		ProjectName: nil, ProviderType: {"GITHUB", "GITLAB_SELF_MANAGED"},
	}
}

// DateAttributes lists the criteria over times.
func DateAttributes() []Attribute {
	return []Attribute{FirstObservedAt, LastObservedAt, UpdatedAt, ImagePushedAt, ImageLastInUseAt, FunctionLastModified}
}

// NumberAttributes lists the criteria over numbers.
func NumberAttributes() []Attribute {
	return []Attribute{InspectorScore, EPSSScore, ImageInUseCount}
}

// PackageAttributes lists the texts of a package filter.
func PackageAttributes() []Attribute {
	return []Attribute{PackageName, PackageVersion, PackageRelease, PackageArchitecture, PackageLayer, PackageLambdaLayer, PackagePath}
}
