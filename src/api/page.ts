export const page = '<!doctype html><title>lvskeeper</title>'
export const pagePolicy = {}
