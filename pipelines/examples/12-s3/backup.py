"""Keeps a file in S3 and proves that it can be read again: backup.py BUCKET FILE"""

import os
import sys

import boto3


def main(bucket, path):
    s3 = boto3.client("s3")
    if bucket not in [found["Name"] for found in s3.list_buckets()["Buckets"]]:
        region = os.environ["AWS_DEFAULT_REGION"]
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
        print(f"made the bucket {bucket}")
    key = f"{os.environ['CI_COMMIT'][:7]}/{path}"
    with open(path, "rb") as file:
        text = file.read()
    s3.put_object(Bucket=bucket, Key=key, Body=text)
    for found in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        print(f"s3://{bucket}/{found['Key']}: {found['Size']} bytes")
    if s3.get_object(Bucket=bucket, Key=key)["Body"].read() != text:
        sys.exit("what came back is not what was sent")
    print("the backup can be read")


if __name__ == "__main__":
    main(*sys.argv[1:])
