// Command inventoryd loads inventory feeds from S3 into DynamoDB and tells through SNS what is out of stock.
package main

func main() {}
