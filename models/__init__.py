"""The networks: timm backbones, SCFF and its variants, preprocessing, initial weights, cost; faster inference."""
