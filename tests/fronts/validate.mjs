// Prints one line for each manifest of the files: its kind, and `good`, `unknown`, or what is wrong.
import { existsSync, readFileSync } from "node:fs";

// Packages are where `npm ci` has put them, and not beside this file.
const packages = `${process.env.KUBERNETES_MODELS}/node_modules`;
const { parseAllDocuments } = (await import(`${packages}/yaml/dist/index.js`)).default;

async function model({ apiVersion, kind }) {
    for (const name of ["istio", "gateway-api"]) {
        const file = `${packages}/@kubernetes-models/${name}/${apiVersion}/${kind}.js`;
        if (existsSync(file)) return (await import(file))[kind];
    }
    return undefined;
}

async function verdict(manifest) {
    const Model = await model(manifest);
    if (!Model) return "unknown";
    try {
        new Model(manifest).validate();
        return "good";
    } catch (error) {
        return error.message;
    }
}

for (const file of process.argv.slice(2)) {
    for (const document of parseAllDocuments(readFileSync(file, "utf8"))) {
        const manifest = document.toJS();
        console.log(`${manifest.kind}: ${await verdict(manifest)}`);
    }
}
